"""Wheels that are built of a folder at lock time, with the same bytes each time.

They are built in an isolated environment that contains only locked build requirements.
"""

import os
import platform
import sys
import tomllib
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace
from packaging.utils import parse_wheel_filename

from resolvers import uv_program
from resolvers.errors import ExpectedError, ProgramError
from resolvers.index.routes import Routes
from resolvers.index.tar_archive import TIME
from resolvers.pip import build_requirements, provided
from resolvers.pip.index_proxy import IndexProxy, serve
from resolvers.pip.markers import MACHINES
from resolvers.pip.normal_wheel import normal_wheel
from resolvers.pip.sdists import DEFAULT_REQUIREMENTS
from resolvers.scratch import temporary_folder
from resolvers.types.options import SourceFolder, TreeFile
from resolvers.types.request import Request, Target

PROJECT = "pyproject.toml"
OLDEST_GLIBC = "2.17"
"""Wheels of build requirements for this version of glibc run on nearly every machine."""


class BuiltWheel(NamedTuple):
    """A wheel, and the locked requirements of its build as lines of a requirements file."""

    file: str
    content: bytes
    requirements: tuple[str, ...]


def build_wheel(
    request: Request, name: str, folder: SourceFolder, previous: tuple[str, ...]
) -> BuiltWheel:
    """Build the wheel of a folder; ``previous`` are the lines of an earlier build.

    Raises ExpectedError if the build fails or the wheel is not for every platform, and like
    ``build_requirements.lock``.
    """
    files = folder.read()
    lines = _locked_requirements(request, _declared(files, folder.path), previous)
    request.progress(f"building {name} of {folder.path}")
    with temporary_folder() as scratch:
        source = scratch / "source"
        for file in files:
            _write(file, source)
        built = _run(request, name, source, lines)
        if not built.name.endswith("-none-any.whl"):
            raise ExpectedError(
                f"the wheel of {folder.path} is for one platform only: {built.name}",
                f"require '{name}' from git, and list it in pip-sdist: images then compile it",
            )
        return BuiltWheel(built.name, normal_wheel(built.read_bytes()), lines)


def wheel_version(file: str) -> tuple[str, str]:
    """Return the normalised name and the version in the file name of a wheel."""
    name, version, _, _ = parse_wheel_filename(file)
    return name, str(version)


def _declared(files: tuple[TreeFile, ...], path: str) -> tuple[str, ...]:
    """Return the build requirements in the pyproject.toml of a folder."""
    content = next((file.content for file in files if file.path == PROJECT), b"")
    try:
        table = tomllib.loads(content.decode()).get("build-system", {})
        return tuple(map(str, table.get("requires", DEFAULT_REQUIREMENTS)))
    except (ValueError, RecursionError, AttributeError, TypeError) as error:
        problem = f"{path}/{PROJECT} is malformed: {error}"
        raise ExpectedError(problem, "correct the file") from error


def _locked_requirements(
    request: Request, declared: tuple[str, ...], previous: tuple[str, ...]
) -> tuple[str, ...]:
    """Lock the build requirements for this machine; return a line with hashes for each."""
    here = replace(provided.with_provided(request, ()), targets=(_this_machine(),))
    lines = build_requirements.solve(here, declared, build_requirements.packages_in(previous))
    return tuple(line.rstrip("\n") for line in lines)


def _this_machine() -> Target:
    machine = platform.machine()
    platforms = {value: key for key, value in MACHINES.items()}
    return Target(
        platform=platforms.get(machine, "linux/amd64"),
        python=platform.python_version(),
        glibc=OLDEST_GLIBC,
    )


def _write(file: TreeFile, folder: Path) -> None:
    path = folder / file.path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(file.content)
    path.chmod(0o755 if file.is_executable else 0o644)
    os.utime(path, (TIME, TIME))


def _run(request: Request, name: str, source: Path, lines: tuple[str, ...]) -> Path:
    """Build the wheel of a source folder, and return its path."""
    environment, out = source.parent / "environment", source.parent / "out"
    python = environment / "bin" / "python3"
    requirements = source.parent / "requirements.txt"
    requirements.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    variables = {
        "SOURCE_DATE_EPOCH": str(TIME),
        "PYTHONHASHSEED": "0",
        "PATH": f"{environment / 'bin'}:{os.environ.get('PATH', '')}",
    }
    proxy = IndexProxy(Routes(request.pip), as_of=request.as_of)
    install = ["pip", "install", "--quiet", "--no-deps", "--require-hashes"]
    build = ["build", "--wheel", "--no-build-isolation", "--out-dir", str(out), str(source)]
    with serve(proxy) as index_url:
        try:
            uv_program.run(["venv", "--quiet", "--python", sys.executable, environment])
            if lines:
                command = [*install, "--python", str(python), "-r", str(requirements)]
                uv_program.run(command, index_url=index_url)
            command = [*build, "--python", str(python)]
            uv_program.run(command, index_url=index_url, env=variables)
        except ProgramError as error:
            if proxy.errors:
                raise proxy.errors[0] from error
            problem = f"building the wheel of '{name}' failed:\n{error.output}"
            raise ExpectedError(problem, "correct the project") from error
    (wheel,) = out.glob("*.whl")
    return wheel
