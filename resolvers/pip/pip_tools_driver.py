"""Runs in pip-tools' own Python: compiles requirements with pip-compile for an image's Python.

Reads ``job.json`` in the working folder, whose keys are the fields of ``Job``. The inputs are
compiled together into ``COMBINED`` first, then each one alone, with the versions of the first run.
``COMBINED`` has the previous versions before that.
Writes ``hashes.json``: the names of all locked files with their hashes. The command ``pip-compile``
alone is not sufficient: it resolves for the Python and the machine that it runs on, downloads each
file to hash it, builds an sdist once per run to read its requirements, and gives up if a pin must
change for which no requirement is new.

If there is no solution, prints the line ``UNSOLVABLE`` and the explanation. If an sdist cannot be
built, prints the line ``FAILED BUILD`` and the reason. Exits with 1 in both cases.
"""

import gc
import json
import os
import re
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

gc.disable()  # saves time and costs a few megabytes

# The user's own settings of pip must not influence the result, and the index is on loopback.
for variable in list(os.environ):
    is_setting = variable.startswith(("PIP_", "CUSTOM_COMPILE_COMMAND"))
    if is_setting or variable.lower().endswith("_proxy"):
        del os.environ[variable]
JOB = json.loads(Path("job.json").read_text(encoding="utf-8"))
os.environ["PIP_CONFIG_FILE"] = os.devnull
os.environ["PIP_INDEX_URL"] = JOB["index_url"]
os.environ["PIP_DISABLE_PIP_VERSION_CHECK"] = "1"
os.environ["PIP_NO_INPUT"] = "1"

# pip reads the environment while it is imported (E402), and pip-tools is not installed beside
# Orbiter (import-not-found), so its types are unknown below as well (misc).
import piptools.writer  # type: ignore[import-not-found]  # noqa: E402
from pip._internal.commands.install import InstallCommand  # noqa: E402
from pip._internal.distributions.sdist import SourceDistribution  # noqa: E402
from pip._internal.exceptions import (  # noqa: E402
    DiagnosticPipError,
    DistributionNotFound,
    InstallationError,
    UnsupportedPythonVersion,
)
from pip._internal.models.link import Link  # noqa: E402
from pip._internal.models.target_python import TargetPython  # noqa: E402
from pip._vendor.packaging import markers  # noqa: E402
from pip._vendor.packaging.tags import Tag  # noqa: E402
from pip._vendor.packaging.utils import canonicalize_name  # noqa: E402
from pip._vendor.resolvelib import ResolutionImpossible  # noqa: E402
from piptools.repositories.pypi import PyPIRepository  # type: ignore[import-not-found]  # noqa: E402
from piptools.scripts.compile import cli  # type: ignore[import-not-found]  # noqa: E402

COMBINED = "combined.txt"
OPTIONS = ("--no-config", "--quiet", "--no-emit-options", "--allow-unsafe", "--strip-extras")
PIN = re.compile(r"([A-Za-z0-9._-]+)===?")


class Job(NamedTuple):
    """The target of a lock, and the files to compile.

    ``python`` is the exact version, ``environment`` holds the marker variables, ``tags`` are those
    of wheels in order of preference. ``outputs`` maps each input to its output. ``upgrades`` are
    arguments of ``--upgrade-package``.
    """

    index_url: str
    python: str
    environment: dict[str, str]
    tags: list[tuple[str, str, str]]
    outputs: dict[str, str]
    upgrades: list[str]


def main(job: Job) -> int:
    """Compile all files, and return the exit code."""
    hashes: dict[str, str] = {}
    _set_target(job)
    _record_hashes(hashes)
    _keep_metadata()
    try:
        _compile_all(job)
    except (DistributionNotFound, UnsupportedPythonVersion) as error:
        return _fail("UNSOLVABLE", _explanation(error))
    except (InstallationError, DiagnosticPipError) as error:
        return _fail("FAILED BUILD", str(error))
    Path("hashes.json").write_text(json.dumps(hashes), encoding="utf-8")
    return 0


def _compile_all(job: Job) -> None:
    upgrades = [word for name in job.upgrades for word in ("--upgrade-package", name)]
    if len(job.outputs) == 1:
        ((source, output),) = job.outputs.items()
        shutil.move(COMBINED, output)
        _compile_with_pins(output, [*upgrades, "--generate-hashes", source])
        return
    _compile_with_pins(COMBINED, [*upgrades, *job.outputs])
    for source, output in job.outputs.items():
        shutil.copyfile(COMBINED, output)
        _compile(output, ["--generate-hashes", source])


def _fail(kind: str, text: str) -> int:
    print(f"{kind}\n{text}")  # noqa: T201 (the output is the interface of this program)
    return 1


def _compile(output: str, arguments: list[str]) -> None:
    arguments = [*OPTIONS, f"--output-file={output}", *arguments]
    cli.main(arguments, prog_name="pip-compile", standalone_mode=False)


def _compile_with_pins(output: str, arguments: list[str]) -> None:
    """Compile, and drop the pins that are part of a conflict until there is a solution."""
    while True:
        try:
            return _compile(output, arguments)
        except DistributionNotFound as error:
            if not _drop_pins(Path(output), _names_in_conflict(error)):
                raise


def _drop_pins(file: Path, names: set[str]) -> bool:
    """Remove the pins of these names, or else all pins; return False if there are none."""
    pins = file.read_text(encoding="utf-8").splitlines()
    kept = [line for line in pins if _pinned_name(line) not in names]
    if len(kept) == len(pins):
        kept = []
    file.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")
    return bool(pins)


def _pinned_name(line: str) -> str:
    pin = PIN.match(line)
    return canonicalize_name(pin[1]) if pin else ""


def _names_in_conflict(error: Exception) -> set[str]:
    """Return the names of the packages in a conflict, and of those that require them."""
    names: set[str] = set()
    if isinstance(error.__cause__, ResolutionImpossible):
        for cause in error.__cause__.causes:
            names.add(canonicalize_name(cause.requirement.project_name))
            if cause.parent:
                names.add(canonicalize_name(cause.parent.project_name))
    return names


def _explanation(error: Exception) -> str:
    """Return a line for each requirement that is part of the conflict."""
    if not isinstance(error.__cause__, ResolutionImpossible):
        return str(error)
    lines = []
    for cause in error.__cause__.causes:
        parent = "the image"
        if cause.parent:
            parent = f"{cause.parent.project_name} {cause.parent.version}"
        lines.append(f"{parent} requires {cause.requirement.format_for_error()}")
    return "\n".join(dict.fromkeys(lines))


def _set_target(job: Job) -> None:
    """Let pip-compile resolve for the image instead of this Python and this machine."""
    version = tuple(int(part) for part in job.python.split("."))
    target = TargetPython(py_version_info=version)
    target._valid_tags = [Tag(*tag) for tag in job.tags]
    make_resolver, build_finder = InstallCommand.make_resolver, InstallCommand._build_package_finder

    def resolver_for_target(_: type, /, **arguments: object) -> object:
        return make_resolver(**arguments, py_version_info=version)

    def finder_for_target(command: InstallCommand, **arguments: object) -> object:
        return build_finder(command, **arguments, target_python=target)

    InstallCommand.make_resolver = classmethod(resolver_for_target)
    InstallCommand._build_package_finder = finder_for_target
    markers.default_environment = lambda: dict(job.environment)
    # The head of the output names this version.
    info = SimpleNamespace(major=version[0], minor=version[1])
    piptools.writer.sys = SimpleNamespace(version_info=info)


def _record_hashes(hashes: dict[str, str]) -> None:
    """Let pip-compile use the hashes of the index, and collect them by file name."""
    download_and_hash = PyPIRepository._get_file_hash

    def file_hash(repository: PyPIRepository, link: Link) -> str:
        known = f"sha256:{link.hash}" if link.hash_name == "sha256" else ""
        found = known or str(download_and_hash(repository, link))
        hashes[link.filename] = found
        return found

    PyPIRepository._get_file_hash = file_hash


def _keep_metadata() -> None:
    """Let pip build each sdist only once to read its metadata."""
    prepare = SourceDistribution.prepare_distribution_metadata
    folders: dict[str, str] = {}

    def prepare_once(sdist: SourceDistribution, *arguments: object, **options: object) -> None:
        url = sdist.req.link.url
        if url not in folders:
            prepare(sdist, *arguments, **options)
            # pip removes its own folder after each run.
            built = Path(sdist.req.metadata_directory)
            kept = Path.cwd() / "metadata" / str(len(folders)) / built.name
            folders[url] = str(shutil.copytree(built, kept))
        sdist.req.metadata_directory = folders[url]

    SourceDistribution.prepare_distribution_metadata = prepare_once


if __name__ == "__main__":
    sys.exit(main(Job(**JOB)))
