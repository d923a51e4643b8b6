"""The engine pip-tools: runs pip-compile for each platform against a proxy of the index.

All stages are compiled together first, so that they agree on versions, and then each one alone.
"""

from collections.abc import Callable, Iterable, Mapping, Set
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

import msgspec
from packaging.utils import canonicalize_name
from packaging.version import Version

from resolvers import process, uv_program
from resolvers.errors import ExpectedError, ProgramError
from resolvers.index.index_file import version_of
from resolvers.index.routes import Routes
from resolvers.pip import (
    constraints,
    markers,
    no_wheel,
    pip_tools_lock,
    provided,
    pyproject,
    requirements_txt,
    wheels,
)
from resolvers.pip.explain import unsolvable
from resolvers.pip.index_proxy import PLACEHOLDER, IndexProxy, serve
from resolvers.pip.prefetch import prefetching
from resolvers.pip.requirement_files import input_file, output_file
from resolvers.pip.toml_file import toml_array
from resolvers.scratch import temporary_folder
from resolvers.types.packages import LockFiles, Package
from resolvers.types.request import Group, Request, Target

VERSION = "7.6.2"
PIP = "pip==26.3"
"""pip-tools uses internals of pip, so both are pinned."""
DRIVER = Path(__file__).with_name("pip_tools_driver.py")
COMBINED = "combined.txt"
"""The driver's file with the versions of all stages."""
UNSOLVABLE = "UNSOLVABLE\n"
FAILED_BUILD = "FAILED BUILD\n"


class _Compiled(NamedTuple):
    """The requirements of one platform by file name, and the hashes of the locked files."""

    texts: Mapping[str, str]
    hashes: Mapping[str, str]


def project(request: Request, shared: Set[str] = frozenset()) -> str:
    """Return the text of pyproject.toml, which also records the platforms."""
    requires_python = f"=={pyproject.python_version(request)}"
    platforms = toml_array(target.platform for target in request.targets)
    section = f"[tool.orbiter.pip-tools]\nplatforms = {platforms}"
    return pyproject.render(request, requires_python, section, shared, request.pip.constraints)


def lock(
    request: Request, previous: tuple[Package, ...], shared: Set[str] = frozenset()
) -> LockFiles:
    """Solve with pip-compile, keeping the versions of ``previous`` if the requirements allow them.

    Raises UnsolvableError, and ExpectedError if the index or pip-compile fails.
    """
    python = interpreter(request.progress)
    request.progress(f"pip-tools {VERSION} is resolving")
    compile_for = partial(_compile, request, previous, shared, python)
    with ThreadPoolExecutor() as pool:
        compiled = list(pool.map(compile_for, request.targets))
    files = {input_file(group.name): _input(group) for group in _stages(request)}
    hashes: dict[str, str] = {}
    for texts, hashes_of_platform in compiled:
        files |= texts
        hashes |= hashes_of_platform
    files[pip_tools_lock.FILE] = pip_tools_lock.format_list(hashes)
    locked = provided.only_locked(request, pip_tools_lock.read(files))
    return {pyproject.FILE: project(locked, shared), **files}


def _stages(request: Request) -> list[Group]:
    return [group for group in request.groups if group.requirements]


def _input(group: Group) -> str:
    return "".join(f"{text}\n" for text in sorted(set(group.requirements)))


def interpreter(progress: Callable[[str], None]) -> str:
    """Return the path of a Python in an isolated environment that contains only pip-tools."""
    return uv_program.tool_python("pip-tools", VERSION, progress, needs=(PIP,))


def _compile(
    request: Request,
    previous: tuple[Package, ...],
    shared: Set[str],
    python: str,
    target: Target,
) -> _Compiled:
    """Compile the requirements of all stages for one platform."""
    request = _request_for(request, target)
    proxy = _index_proxy(request, shared)
    requirements = [text for group in request.groups for text in group.requirements]
    pins = _pins(previous, target, proxy)
    with (
        temporary_folder() as folder,
        prefetching(proxy, requirements, pins, target),
        serve(proxy) as url,
    ):
        for group in _stages(request):
            _write(folder / input_file(group.name), _input(group))
        _write(folder / COMBINED, "".join(f"{name}=={pins[name]}\n" for name in pins))
        _write(folder / "job.json", _job(request, url))
        _run([python, "-I", DRIVER], folder, proxy, request)
        texts = {name: _read_output(folder / name) for name in _outputs(request).values()}
        hashes = msgspec.json.decode((folder / "hashes.json").read_bytes(), type=dict[str, str])
    lines = [line for name, text in texts.items() for line in requirements_txt.parse(name, text)]
    versions = {line.name: line.version for line in lines}
    for warning in no_wheel.warnings(request, versions, proxy):
        request.warn(warning)
    locked_hashes = {value for line in lines for value in line.hashes}
    used = {name: value for name, value in hashes.items() if value in locked_hashes}
    return _Compiled(texts, used)


def _outputs(request: Request) -> dict[str, str]:
    """Map the inputs of all stages to their outputs for the platform."""
    (target,) = request.targets
    names = [group.name for group in _stages(request)]
    return {input_file(name): output_file(name, target.platform) for name in names}


def _read_output(path: Path) -> str:
    """Return a hashed requirements.txt without the hashes of placeholder wheels."""
    return requirements_txt.without_hash(path.read_text(encoding="utf-8"), PLACEHOLDER)


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _request_for(request: Request, target: Target) -> Request:
    """Return the request for one platform, with the distributions that conda provides there."""
    of_platform = (dist for dist in request.pip.provided if dist.platform == target.platform)
    return msgspec.structs.replace(provided.with_provided(request, of_platform), targets=(target,))


def _index_proxy(request: Request, shared: Set[str]) -> IndexProxy:
    (target,) = request.targets
    applicable = tuple(
        each
        for each in constraints.applicable(request)
        if markers.applies(str(each.requirement.marker or ""), target)
    )
    return IndexProxy(
        Routes(request.pip),
        direct=request.pip.direct,
        as_of=request.as_of,
        limits=request.limits,
        python=target.python,
        provided=provided.versions(request),
        satisfied=provided.versions(request, without=shared),
        # A constraint file would have to be in the lock, also that of this machine.
        constraints=constraints.specifiers(applicable),
        sdists=_allowed_sdists(request),
        progress=request.progress,
    )


def _allowed_sdists(request: Request) -> frozenset[str]:
    names = (name for group in request.groups for name in group.sources)
    return frozenset(map(canonicalize_name, names))


def _pins(previous: Iterable[Package], target: Target, proxy: IndexProxy) -> dict[str, str]:
    """Map names to the previous versions that the index still has, preferably of the platform."""
    pins: dict[str, str] = {}
    for package in sorted(previous, key=lambda package: target.platform in package.platforms):
        if _is_available(package, proxy):
            pins[package.name] = package.version
    return pins


def _is_available(package: Package, proxy: IndexProxy) -> bool:
    version = Version(package.version)
    return any(version_of(file_name) == version for file_name in proxy.files(package.name))


def _job(request: Request, index_url: str) -> str:
    """Return the driver's input; see its ``Job``."""
    (target,) = request.targets
    upgrades = request.upgrade.packages.items()
    job = {
        "index_url": index_url,
        "python": target.python,
        "environment": markers.environment(target),
        "tags": [(tag.interpreter, tag.abi, tag.platform) for tag in wheels.tags(target)],
        "outputs": _outputs(request),
        "upgrades": [f"{name}=={version}" if version else name for name, version in upgrades],
    }
    return msgspec.json.encode(job).decode()


def _run(command: list[str | Path], folder: Path, proxy: IndexProxy, request: Request) -> None:
    try:
        process.run(command, cwd=folder, name=f"pip-compile {VERSION}")
    except ProgramError as error:
        # pip only reports that it found no version. The proxy knows why.
        if proxy.errors:
            raise proxy.errors[0] from error
        if FAILED_BUILD in error.output:
            raise ExpectedError(
                "building an sdist to read its requirements failed:\n"
                + error.output.partition(FAILED_BUILD)[2].strip(),
                "require another version of it",
            ) from error
        if UNSOLVABLE not in error.output:
            raise
        explanation = error.output.partition(UNSOLVABLE)[2].strip()
        if missing := no_wheel.without_wheel(request, explanation, proxy, _allowed_sdists(request)):
            raise missing from error
        raise unsolvable(request, explanation, proxy) from error
