"""The engine uv: solves against a proxy of the index, then removes its address from uv.lock.

uv alone would not see a version that was published a minute ago, would ignore an upper bound of
Requires-Python, and would report an index that refuses the credentials as a missing package.
"""

import re
import sys
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from datetime import UTC
from functools import partial
from pathlib import Path
from urllib.parse import unquote

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from resolvers.errors import ExpectedError, ProgramError
from resolvers.index.routes import Routes
from resolvers.pip import constraints as pip_constraints
from resolvers.pip import provided, pyproject, uv_lock
from resolvers.pip.constraints import Constraint
from resolvers.pip.explain import unsolvable
from resolvers.pip.file_hashes import with_hashes
from resolvers.pip.index_proxy import PLACEHOLDER, IndexProxy, named_url, serve
from resolvers.pip.markers import machine
from resolvers.pip.toml_file import toml_array, toml_string
from resolvers.scratch import temporary_folder
from resolvers.types.packages import LockFiles, Package
from resolvers.types.request import Request, Target
from resolvers.uv_program import run, version

OLDEST_PYTHON = (3, 11)
"""Lower bound of requires-python, so that uv accepts the Python it runs on."""
NO_SOLUTION = "No solution found"
FAILED_BUILD = re.compile("Failed to build `([^`]+)`")
ADDRESS = re.compile(r'\b(registry|index) = "([^"]*)"')
NO_ADDRESSES: Mapping[str, str] = {}
FILE_LOCATION = re.compile(r'\{ (?:url|path) = "(?:[^"]*/)?([^"/]+)"')
PLACEHOLDER_WHEEL = re.compile(rf'    {{ path = "[^"]+", hash = "sha256:{PLACEHOLDER}".*\n')
OPTIONS_TABLE = re.compile(r"\[options\]\n(?:[^\[\n].*\n)*\n")
PACKAGE = re.compile(r'(?<=\[\[package\]\]\nname = )"([^"]+)"\n.*\nsource = \{ registry = "[^"]*"')
"""The beginning of a package in uv.lock."""
MANIFEST = re.compile(r"\[manifest\]\n(?:constraints = (\[(?:[^\n]*|\n(?:    .*\n)*)\])\n)")
"""The beginning of the manifest of uv.lock, with its constraints."""
CONSTRAINT = re.compile(r'\{ name = "([^"]+)".*? \}')
"""One constraint in the manifest of uv.lock. Its values are strings without braces."""


def project(
    request: Request,
    shared: Set[str] = frozenset(),
    machine_constraints: Iterable[Constraint] = (),
    index_url: str = "",
) -> str:
    """Return the text of pyproject.toml; ``machine_constraints`` are added to the others.

    ``index_url`` is the address of the index proxy, which replaces those of images.toml.

    The index is a folder named ``artifacts``: so uv.lock has no address, and ``uv lock --check``
    still accepts it as the lock of this project. The exact Python is a marker, because uv refuses
    to lock for a Python that is not installed.
    """
    markers = [_marker(target) for target in request.targets]
    major, minor, *_ = pyproject.python_version(request).split(".")
    major_minor = min(OLDEST_PYTHON, (int(major), int(minor)))
    tool_section = (
        "[tool.uv]\npackage = false\n"
        f"environments = {toml_array(markers)}{_constraints(request, machine_constraints)}"
        f"{_overrides(request)}\n"
        '[[tool.uv.index]]\nname = "artifacts"\nurl = "artifacts"\ndefault = true\n'
        + "".join(_index_sections(request, index_url))
    )
    requires_python = f">={major_minor[0]}.{major_minor[1]}"
    return pyproject.render(request, requires_python, tool_section, shared)


def _constraints(request: Request, others: Iterable[Constraint]) -> str:
    constraints = [
        *provided.constraints(request),
        *request.pip.constraints,
        *(other.text for other in others),
    ]
    return f"constraint-dependencies = {toml_array(constraints)}" if constraints else ""


def _overrides(request: Request) -> str:
    overrides = request.pip.overrides
    return f"override-dependencies = {toml_array(overrides)}" if overrides else ""


def _index_sections(request: Request, index_url: str) -> Iterator[str]:
    """Yield the indexes of images.toml, and the packages that come from them."""
    for name, url in pyproject.used_indexes(request).items():
        address = named_url(index_url, name) if index_url else url
        yield (
            f"\n[[tool.uv.index]]\nname = {toml_string(name)}\nurl = {toml_string(address)}\n"
            "explicit = true\n"
        )
    if request.pip.sources:
        yield "\n[tool.uv.sources]\n"
    for package, name in sorted(request.pip.sources.items()):
        yield f"{package} = {{ index = {toml_string(name)} }}\n"


def _marker(target: Target) -> str:
    return (
        f"python_full_version == '{target.python}' and sys_platform == 'linux' "
        f"and platform_machine == '{machine(target.platform)}'"
    )


def lock(
    request: Request, previous: tuple[Package, ...], shared: Set[str] = frozenset()
) -> LockFiles:
    """Solve with uv, keeping the versions of ``previous`` if the requirements allow them.

    Raises UnsolvableError, and ExpectedError if the index or uv fails.
    """
    # uv needs a Python to build sdists for their metadata. Any will do: the exact one is a marker.
    arguments: list[str | Path] = ["lock", "--python", sys.executable, *_exclude_newer(request)]
    for name, requested in request.upgrade.packages.items():
        arguments += ["--upgrade-package", f"{name}=={requested}" if requested else name]
    request.progress(f"uv {version()} is resolving")
    proxy = _index_proxy(request, shared)
    with (
        temporary_folder() as folder,
        _served_index(proxy) as index_url,
    ):
        # The lock does not record the constraints of this machine.
        text = project(
            request,
            machine_constraints=pip_constraints.configured(request),
            index_url=index_url,
        )
        (folder / pyproject.FILE).write_text(text, encoding="utf-8")
        lock_file = folder / uv_lock.FILE
        # uv prefers the versions of an existing lock.
        if previous:
            pins = request.previous.get(uv_lock.FILE) or _minimal_lock(previous)
            lock_file.write_text(_served_by(index_url, request, pins), encoding="utf-8")
        _solve(arguments, folder, request, proxy, index_url)
        served = {
            named_url(index_url, name): url for name, url in pyproject.used_indexes(request).items()
        }
        text = _portable(lock_file.read_text(encoding="utf-8"), served)
        text = with_hashes(text, proxy, request.progress)
    locked = provided.only_locked(request, uv_lock.read({uv_lock.FILE: text}))
    return {
        pyproject.FILE: project(locked, shared),
        uv_lock.FILE: _with_constraints(text, partial(_is_recorded, locked)),
    }


def _exclude_newer(request: Request) -> list[str]:
    """Return the arguments of uv that hide files uploaded after the request's moment."""
    return ["--exclude-newer", request.as_of.astimezone(UTC).isoformat()] if request.as_of else []


def _index_proxy(request: Request, shared: Set[str]) -> IndexProxy:
    """Return a proxy that shows all versions for the image's Python.

    Constraints limit the solve, but must not limit the packages that build an sdist to read its
    requirements.
    """
    return IndexProxy(
        Routes(request.pip),
        direct=request.pip.direct,
        as_of=request.as_of,
        limits=request.limits,
        python=pyproject.python_version(request),
        satisfied=provided.versions(request, without=shared),
        progress=request.progress,
    )


@contextmanager
def _served_index(proxy: IndexProxy) -> Iterator[str]:
    """Yield the address of the proxy."""
    with serve(proxy) as url:
        try:
            yield url
        # uv only reports that a request failed. The proxy knows why.
        except ExpectedError as error:
            raise (proxy.errors or [error])[0] from error


def _solve(
    arguments: Sequence[str | Path],
    folder: Path,
    request: Request,
    proxy: IndexProxy,
    index_url: str,
) -> None:
    """Run a command of uv that solves; raise UnsolvableError with uv's explanation."""
    try:
        run(arguments, cwd=folder, index_url=index_url)
    except ProgramError as error:
        if failed := FAILED_BUILD.search(error.output):
            raise ExpectedError(
                f"{failed[1]} has no wheel, and building its sdist to read its requirements failed",
                "require another version of it",
            ) from error
        if NO_SOLUTION not in error.output:
            raise
        explanation = _explanation(error.output.partition(NO_SOLUTION)[2])
        raise unsolvable(request, explanation, proxy) from error


def _explanation(output: str) -> str:
    """Return uv's explanation without its labels.

    Drops the hints about requires-python, which is not in a file that users write.
    """
    _, _, text = output.partition("cause: ")
    reason, *hints = text.split("hint: ")
    relevant = [hint for hint in hints if "requires-python" not in hint]
    return "\n".join(" ".join(paragraph.split()) for paragraph in (reason, *relevant))


def _minimal_lock(packages: tuple[Package, ...]) -> str:
    """Return the smallest uv.lock that makes uv keep the versions of another engine's lock."""
    head = 'version = 1\nrequires-python = ">=3.11"\n'
    blocks = [
        f"\n[[package]]\nname = {toml_string(package.name)}\n"
        f'version = {toml_string(package.version)}\nsource = {{ registry = "artifacts" }}\n'
        for package in packages
    ]
    return head + "".join(blocks)


def _served_by(index_url: str, request: Request, pins: str) -> str:
    """Return a lock with the addresses of the index proxy for packages with their own index.

    uv ignores a pin whose index is not the one that pyproject.toml names for the package.
    """

    def served(match: "re.Match[str]") -> str:
        name = request.pip.sources.get(match[1])
        address = named_url(index_url, name) if name else "artifacts"
        return f"{match[0].rpartition('registry = ')[0]}registry = {toml_string(address)}"

    return PACKAGE.sub(served, pins) if request.pip.sources else pins


def _portable(text: str, served: Mapping[str, str] = NO_ADDRESSES) -> str:
    """Return uv.lock without the addresses of this run, placeholder wheels and its moment.

    ``served`` maps the proxy's addresses of indexes to those in images.toml, which remain.
    """

    def address(match: "re.Match[str]") -> str:
        return f'{match[1]} = "{served.get(match[2], "artifacts")}"'

    text = ADDRESS.sub(address, text)
    text = FILE_LOCATION.sub(lambda match: f'{{ path = "{unquote(match[1])}"', text)
    text = PLACEHOLDER_WHEEL.sub("", text).replace("wheels = [\n]\n", "")
    return OPTIONS_TABLE.sub("", text)


def _with_constraints(text: str, is_kept: Callable[["re.Match[str]"], bool]) -> str:
    """Return uv.lock with only some of its constraints, in uv's own layout."""
    found = MANIFEST.search(text)
    if not found:
        return text
    constraints = [each[0] for each in CONSTRAINT.finditer(found[1]) if is_kept(each)]
    items = "".join(constraints)  # uv writes a single constraint on the same line
    if len(constraints) > 1:
        items = "".join(f"\n    {constraint}," for constraint in constraints) + "\n"
    line = f"constraints = [{items}]\n" if constraints else ""
    rest = text[found.end() :]
    if not line and rest.startswith("\n"):  # nothing else is in the manifest
        return text[: found.start()] + rest.removeprefix("\n")
    return f"{text[: found.start()]}[manifest]\n{line}{rest}"


def _is_recorded(request: Request, constraint: "re.Match[str]") -> bool:
    """Return whether a constraint in the manifest is one of conda or images.toml."""
    if any(dist.name == constraint[1] for dist in request.pip.provided):
        return True
    specifier = SpecifierSet(tomllib.loads(f"it = {constraint[0]}")["it"].get("specifier", ""))
    return any(
        canonicalize_name(own.name) == constraint[1] and own.specifier == specifier
        for own in map(Requirement, request.pip.constraints)
    )
