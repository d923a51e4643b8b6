"""The engine uv: solves against a proxy of the index, then removes its address from uv.lock.

uv alone would not see a version that was published a minute ago, would ignore an upper bound of
Requires-Python, and would report an index that refuses the credentials as a missing package.
"""

import re
import sys
from collections.abc import Iterable, Iterator, Sequence, Set
from contextlib import contextmanager
from datetime import UTC
from pathlib import Path
from urllib.parse import unquote

from resolvers.errors import ExpectedError, ProgramError
from resolvers.index import index
from resolvers.pip import constraints as pip_constraints
from resolvers.pip import provided, pyproject, uv_lock
from resolvers.pip.constraints import Constraint
from resolvers.pip.explain import unsolvable
from resolvers.pip.file_hashes import with_hashes
from resolvers.pip.index_proxy import PLACEHOLDER, IndexProxy, serve
from resolvers.pip.markers import machine
from resolvers.pip.toml_file import toml_array, toml_string
from resolvers.scratch import temporary_folder
from resolvers.types import LockFiles, Package, Request, Target
from resolvers.uv_program import run, version

OLDEST_PYTHON = (3, 11)
"""Lower bound of requires-python, so that uv accepts the Python it runs on."""
NO_SOLUTION = "No solution found"
FAILED_BUILD = re.compile("Failed to build `([^`]+)`")
REGISTRY = re.compile(r'registry = "[^"]*"')
FILE_LOCATION = re.compile(r'\{ (?:url|path) = "(?:[^"]*/)?([^"/]+)"')
PLACEHOLDER_WHEEL = re.compile(rf'    {{ path = "[^"]+", hash = "sha256:{PLACEHOLDER}".*\n')
OPTIONS_TABLE = re.compile(r"\[options\]\n(?:[^\[\n].*\n)*\n")
MANIFEST = "[manifest]\nconstraints = "
CONSTRAINT = re.compile(r'\{ name = "([^"]+)".*? \}')
"""One constraint in the manifest of uv.lock. Its values are strings without braces."""


def project(
    request: Request, shared: Set[str] = frozenset(), constraints: Iterable[Constraint] = ()
) -> str:
    """Return the text of pyproject.toml; ``constraints`` are added to those of conda.

    The index is a folder named ``artifacts``: so uv.lock has no address, and ``uv lock --check``
    still accepts it as the lock of this project. The exact Python is a marker, because uv refuses
    to lock for a Python that is not installed.
    """
    markers = [_marker(target) for target in request.targets]
    major, minor, *_ = pyproject.python_version(request).split(".")
    major_minor = min(OLDEST_PYTHON, (int(major), int(minor)))
    tool_section = (
        "[tool.uv]\npackage = false\n"
        f"environments = {toml_array(markers)}{_constraints(request, constraints)}\n"
        '[[tool.uv.index]]\nname = "artifacts"\nurl = "artifacts"\ndefault = true\n'
    )
    requires_python = f">={major_minor[0]}.{major_minor[1]}"
    return pyproject.render(request, requires_python, tool_section, shared)


def _constraints(request: Request, others: Iterable[Constraint]) -> str:
    constraints = [*provided.constraints(request), *(other.text for other in others)]
    return f"constraint-dependencies = {toml_array(constraints)}" if constraints else ""


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
        text = project(request, constraints=pip_constraints.configured(request))
        (folder / pyproject.FILE).write_text(text, encoding="utf-8")
        lock_file = folder / uv_lock.FILE
        # uv prefers the versions of an existing lock.
        if previous:
            pins = request.previous.get(uv_lock.FILE) or _minimal_lock(previous)
            lock_file.write_text(pins, encoding="utf-8")
        _solve(arguments, folder, request, proxy, index_url)
        text = _portable(lock_file.read_text(encoding="utf-8"))
        text = with_hashes(text, proxy, request.progress)
    locked = provided.only_locked(request, uv_lock.read({uv_lock.FILE: text}))
    names = {dist.name for dist in locked.pip.provided}
    return {
        pyproject.FILE: project(locked, shared),
        uv_lock.FILE: _with_constraints_on(names, text),
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
        index.configured(),
        as_of=request.as_of,
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


def _portable(text: str) -> str:
    """Return uv.lock without addresses, placeholder wheels and the moment it was solved for."""
    text = REGISTRY.sub('registry = "artifacts"', text)
    text = FILE_LOCATION.sub(lambda match: f'{{ path = "{unquote(match[1])}"', text)
    text = PLACEHOLDER_WHEEL.sub("", text).replace("wheels = [\n]\n", "")
    return OPTIONS_TABLE.sub("", text)


def _with_constraints_on(names: set[str], text: str) -> str:
    """Return uv.lock with only the constraints on these names, in uv's own layout."""
    before, manifest, after = text.partition(MANIFEST)
    if not manifest:
        return text
    array, _, rest = after.partition("\n\n")
    constraints = [match[0] for match in CONSTRAINT.finditer(array) if match[1] in names]
    if not constraints:
        return before + rest
    items = constraints[0]  # uv writes a single constraint on the same line
    if len(constraints) > 1:
        items = "".join(f"\n    {constraint}," for constraint in constraints) + "\n"
    return f"{before}{MANIFEST}[{items}]\n\n{rest}"
