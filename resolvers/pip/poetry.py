"""The engine Poetry: solves against a proxy of the index, so that its lock has no addresses."""

import re
from collections.abc import Callable, Iterator, Sequence, Set
from pathlib import Path

import msgspec
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from resolvers import process, uv_program
from resolvers.errors import ProgramError
from resolvers.index.index_file import version_of
from resolvers.index.routes import Routes
from resolvers.pip import constraints, poetry_lock, provided, pyproject
from resolvers.pip.explain import unsolvable
from resolvers.pip.index_proxy import PLACEHOLDER, IndexProxy, serve
from resolvers.pip.nested_references import unlocked_address
from resolvers.pip.poetry_chain import Fact, chain, is_long
from resolvers.pip.prefetch import prefetching
from resolvers.pip.toml_file import parse, toml_string
from resolvers.scratch import temporary_folder
from resolvers.types.packages import LockFiles, Package
from resolvers.types.request import Request

VERSION = "2.5.1"
DRIVER = Path(__file__).with_name("poetry_driver.py")
UNSOLVABLE = "UNSOLVABLE\n"
"""The line before the explanation in the driver's output."""
PLACEHOLDER_FILE = re.compile(rf'    {{file = "[^"]+", hash = "sha256:{PLACEHOLDER}"}},\n')
OTHER_SOURCES = ("url", "git", "directory", "file")
"""Types of sources in poetry.lock that are not indexes."""
MINIMAL_PACKAGE = """[[package]]
name = {}
version = {}
description = ""
optional = false
python-versions = "*"
files = []
"""
MINIMAL_SOURCE = """
[package.source]
type = "legacy"
url = {}
reference = {}
"""
MINIMAL_METADATA = """[metadata]
lock-version = "2.1"
python-versions = "*"
content-hash = ""
"""


def project(request: Request, shared: Set[str] = frozenset()) -> str:
    """Return the text of pyproject.toml."""
    sections = ["[tool.poetry]\npackage-mode = false\n", *_source_sections(request)]
    requires_python = f"=={pyproject.python_version(request)}"
    tool_section = "\n".join(sections)
    constraints = request.pip.constraints
    return pyproject.render(request, requires_python, tool_section, shared, constraints)


def _source_sections(request: Request) -> Iterator[str]:
    """Yield the indexes of images.toml, and the packages of each group that come from them."""
    for name, url in pyproject.used_indexes(request).items():
        yield (
            f"[[tool.poetry.source]]\nname = {toml_string(name)}\nurl = {toml_string(url)}\n"
            'priority = "explicit"\n'
        )
    for group in sorted(request.groups, key=lambda group: group.name):
        names = {canonicalize_name(Requirement(text).name) for text in group.requirements}
        if named := sorted(names & request.pip.sources.keys()):
            yield f"[tool.poetry.group.{toml_string(group.name)}.dependencies]\n" + "".join(
                f"{name} = {{ source = {toml_string(request.pip.sources[name])} }}\n"
                for name in named
            )


def lock(
    request: Request, previous: tuple[Package, ...], shared: Set[str] = frozenset()
) -> LockFiles:
    """Solve with Poetry, keeping the versions of ``previous`` if the requirements allow them.

    Raises UnsolvableError, and ExpectedError if the index or Poetry fails.
    """
    proxy = _index_proxy(request, shared)
    requirements = [text for group in request.groups for text in group.requirements]
    likely_versions = {package.name: package.version for package in previous}
    python = interpreter(request.progress)
    request.progress(f"Poetry {VERSION} is resolving {len(requirements)} requirements")
    with (
        temporary_folder() as folder,
        prefetching(proxy, requirements, likely_versions, request.targets[0]),
        serve(proxy) as url,
    ):
        # Poetry does not read Orbiter's own section, so this one needs no shared distributions.
        (folder / pyproject.FILE).write_text(project(request), encoding="utf-8")
        lock_file = folder / poetry_lock.FILE
        movable: list[str] = []
        if pins := _minimal_lock(previous, proxy, request):
            lock_file.write_text(pins, encoding="utf-8")
            movable = [canonicalize_name(package) for package in request.upgrade.packages]
        arguments = [url, pyproject.python_version(request), *movable]
        # -I ignores PYTHONPATH and the user's site-packages.
        _run([python, "-I", DRIVER, *arguments], folder, proxy, request)
        text = PLACEHOLDER_FILE.sub("", lock_file.read_text(encoding="utf-8"))
    _check_sources(text, proxy)
    files = {poetry_lock.FILE: text}
    locked = provided.only_locked(request, poetry_lock.read(files))
    return {pyproject.FILE: project(locked, shared), **files}


def _check_sources(text: str, proxy: IndexProxy) -> None:
    """Raise ExpectedError for a package that Poetry took from an address in another package.

    If the proxy refuses the metadata of a wheel, Poetry reads the wheel.
    """
    for package in parse(text).get("package", []):
        source = package.get("source", {})
        if source.get("type") in OTHER_SOURCES:
            unlocked = unlocked_address(package["name"], source["url"], "a locked package")
            raise next(iter(proxy.errors), unlocked)


def _index_proxy(request: Request, shared: Set[str]) -> IndexProxy:
    upgrades = request.upgrade.packages
    return IndexProxy(
        Routes(request.pip),
        direct=request.pip.direct,
        as_of=request.as_of,
        limits=request.limits,
        # Poetry has no option for the version of an upgrade, so the proxy hides all others.
        exact={name: version for name, version in upgrades.items() if version},
        provided=provided.versions(request),
        satisfied=provided.versions(request, without=shared),
        # Poetry has no constraints, so the proxy hides what they exclude.
        constraints=constraints.specifiers(constraints.applicable(request)),
        progress=request.progress,
    )


def interpreter(progress: Callable[[str], None]) -> str:
    """Return the path of a Python in an isolated environment that contains only Poetry."""
    return uv_program.tool_python("poetry", VERSION, progress)


def _run(command: Sequence[str | Path], folder: Path, proxy: IndexProxy, request: Request) -> None:
    try:
        process.run(command, cwd=folder, name=f"Poetry {VERSION}")
    except ProgramError as error:
        # Poetry only reports that a request failed. The proxy knows why.
        if proxy.errors:
            raise proxy.errors[0] from error
        if UNSOLVABLE not in error.output:
            raise
        raise unsolvable(request, _explanation(error.output), proxy) from error


def _explanation(output: str) -> str:
    """Return Poetry's explanation; if it is long, only the requirements behind the conflict."""
    facts, _, text = output.partition(UNSOLVABLE)[2].partition("\n")
    requirements = chain(msgspec.json.decode(facts, type=list[Fact]), pyproject.PROJECT)
    return requirements if requirements and is_long(text.strip()) else text.strip()


def _minimal_lock(packages: tuple[Package, ...], proxy: IndexProxy, request: Request) -> str:
    """Return the smallest poetry.lock that makes Poetry keep the versions, or "" for none.

    It omits versions that the index no longer has, because Poetry fails on them.
    """
    blocks = [
        MINIMAL_PACKAGE.format(toml_string(package.name), toml_string(package.version))
        + _minimal_source(package, request)
        for package in packages
        if _is_available(package, proxy)
    ]
    return "\n".join([*blocks, MINIMAL_METADATA]) if blocks else ""


def _minimal_source(package: Package, request: Request) -> str:
    """Return the source of a package with an index of its own; Poetry ignores its pin without."""
    name = request.pip.sources.get(package.name)
    if not name:
        return ""
    url = toml_string(request.pip.indexes[name].rstrip("/"))
    return MINIMAL_SOURCE.format(url, toml_string(name))


def _is_available(package: Package, proxy: IndexProxy) -> bool:
    version = Version(package.version)
    return any(version_of(file_name) == version for file_name in proxy.files(package.name))
