"""The engine conda-lock: the real program, with the user's micromamba, mamba or conda."""

import os
import re
import shutil
from pathlib import Path

from resolvers import process, uv_program
from resolvers.conda.channels import hide_secrets, parse_channel, unreachable
from resolvers.conda.environment_yml import ENVIRONMENT, VIRTUAL
from resolvers.conda.explain import solver_messages, unsolvable_hint
from resolvers.conda.lock_file import LOCK_FILE, CondaEntry, CondaLock, parse_lock
from resolvers.conda.requirements import CondaRequirement, subdir, virtual_packages
from resolvers.errors import ExpectedError, ProgramError, UnsolvableError
from resolvers.scratch import temporary_folder
from resolvers.types.packages import LockFiles
from resolvers.types.request import NOTE, Request

VERSION = "4.0.3"
"""The version of conda-lock that Orbiter runs."""
SOLVERS = ("micromamba", "mamba", "conda")
"""The programs that can solve for conda-lock, fastest first."""
SOLVER_VARIABLES = ("MAMBA_EXE", "CONDA_EXE")
"""Shells hide the programs behind functions, and name the real path in these variables."""
UNSOLVABLE = re.compile(
    r"[Cc]ould not solve|nothing provides|Unsatisfiable|PackagesNotFound|are incompatible"
)
TRACEBACK = re.compile(r"^Traceback .*?\n(?=\S)", re.MULTILINE | re.DOTALL)
"""A Python traceback, up to the line that names the error."""
UNREACHABLE = (
    re.compile(r"Download error \((?:5|6|7|28)\) (?P<reason>[^\[\n]+) \[(?P<url>[^\]\s]+)]"),
    re.compile(r"CondaHTTPError: HTTP 000 (?P<reason>.+) for url <(?P<url>[^>\s]+)>"),
)
"""The lines of micromamba and of conda about a server that does not respond.

The numbers are those of curl: proxy or host not found, no connection, and timed out.
"""
NAMES = "names.json"
"""conda-lock's table of PyPI names. It would download it, although conda packages need none."""


def lock(
    request: Request, files: LockFiles, requirements: tuple[CondaRequirement, ...]
) -> dict[str, tuple[CondaEntry, ...]]:
    """Return the entries of each requested subdir.

    conda-lock keeps previous pins only with ``--update``; otherwise a note says that packages may
    change. Raises ExpectedError if the user has no solver, and for requests that conda-lock does
    not support.
    """
    _check_supported(request, requirements)
    solver = _find_solver()
    upgraded = sorted(request.upgrade.packages) if not request.upgrade.everything else []
    if request.previous and not upgraded:
        request.progress(f"{NOTE}conda-lock ignores the previous lock: any package may change")
    inputs = {**files, NAMES: "{}"}
    if upgraded:
        inputs[LOCK_FILE] = request.previous[LOCK_FILE]
    locked = _run(request, inputs, solver, upgraded)
    subdirs = (subdir(target.platform) for target in request.targets)
    return {name: _without_categories(locked, name) for name in subdirs}


def _without_categories(locked: CondaLock, subdir: str) -> tuple[CondaEntry, ...]:
    """Return the entries of a subdir, each package once."""
    return tuple({entry.name: entry for entry in locked.entries_for(subdir)}.values())


def _check_supported(request: Request, requirements: tuple[CondaRequirement, ...]) -> None:
    alternative = 'remove conda-engine = "conda-lock" to let rattler solve'
    if request.as_of:
        raise ExpectedError("the engine conda-lock does not support --as-of", alternative)
    if any(request.upgrade.packages.values()):
        raise ExpectedError(
            "the engine conda-lock does not support --upgrade-package NAME==VERSION",
            f"name the package without a version, or {alternative}",
        )
    for requirement in requirements:
        if requirement.address:
            raise ExpectedError(
                f"the engine conda-lock does not support addresses: {requirement.written}",
                alternative,
            )
    first_by_name: dict[str, CondaRequirement] = {}
    for requirement in requirements:
        first = first_by_name.setdefault(requirement.name, requirement)
        if first.spec != requirement.spec:
            raise ExpectedError(
                "conda-lock accepts one requirement per package: "
                f"'{first.written}' of stage '{first.group}' conflicts with "
                f"'{requirement.written}' of stage '{requirement.group}'",
                f"write the same requirement in both groups, or {alternative}",
            )


def _find_solver() -> str:
    """Return the path of the user's solver."""
    paths = [os.environ.get(variable) for variable in SOLVER_VARIABLES]
    paths += [shutil.which(program) for program in SOLVERS]
    for path in paths:
        if path and os.access(path, os.X_OK):
            return path
    raise ExpectedError(
        "the engine conda-lock needs micromamba, mamba or conda, and none of them is on PATH",
        'install micromamba, or remove conda-engine = "conda-lock": rattler needs no program',
    )


def _run(request: Request, inputs: LockFiles, solver: str, upgraded: list[str]) -> CondaLock:
    """Run conda-lock on input files in a temporary folder."""
    with temporary_folder() as folder:
        for file, text in inputs.items():
            (folder / file).write_text(text, encoding="utf-8")
        program = _program(request)
        request.progress(f"conda-lock {VERSION} solves with {Path(solver).name}")
        command: list[str | Path] = [program, *_arguments(solver, upgraded)]
        try:
            process.run(command, cwd=folder, env=_solver_variables(request))
        except ProgramError as error:
            raise _failure(error, request, solver) from error
        return parse_lock({LOCK_FILE: (folder / LOCK_FILE).read_text(encoding="utf-8")})


def _solver_variables(request: Request) -> dict[str, str]:
    """Return the variables that set the channel priority, over the user's configuration files."""
    # conda reads CONDA_* variables only, micromamba reads MAMBA_* variables only. The files still
    # apply otherwise, because they hold proxies, certificates and mirrors.
    prefixes = ("CONDA", "MAMBA")
    return {f"{prefix}_CHANNEL_PRIORITY": request.conda.priority for prefix in prefixes}


def _program(request: Request) -> Path:
    """Return the path of conda-lock in an isolated environment, installing it if needed."""
    python = uv_program.tool_python("conda-lock", VERSION, request.progress)
    return Path(python).with_name("conda-lock")


def _arguments(solver: str, upgraded: list[str]) -> list[str]:
    # conda-lock does not recognise the solver: it must be selected, and the others deselected.
    kind = next((name for name in ("micromamba", "mamba") if name in Path(solver).name), "")
    kinds = [f"--{'' if name == kind else 'no-'}{name}" for name in ("micromamba", "mamba")]
    files = ["--file", ENVIRONMENT, "--virtual-package-spec", VIRTUAL, "--lockfile", LOCK_FILE]
    updates = [word for name in upgraded for word in ("--update", name)]
    arguments = ["lock", "--conda", solver, *kinds, *files]
    return [*arguments, "--pypi_to_conda_lookup_file", NAMES, *updates]


def _failure(error: ProgramError, request: Request, solver: str) -> ExpectedError:
    """Return the error for a failed run, without secrets and traceback."""
    channels = [parse_channel(name) for name in request.conda.channels]
    output = hide_secrets(TRACEBACK.sub("", error.output), channels)
    if not UNSOLVABLE.search(output):
        for pattern in UNREACHABLE:
            if failed := pattern.search(output):
                return unreachable(failed["url"], failed["reason"], channels)
        lines = [f"  {line}" for line in output.splitlines() if line.strip()]
        message = "\n".join([f"conda-lock {VERSION} failed", *lines])
        return ExpectedError(message, f"check that {solver} can reach the channels")
    explanation = solver_messages(output)
    platforms = [virtual_packages(target, request.conda) for target in request.targets]
    assumed = {name for packages in platforms for name in packages}
    message = "\n".join(
        [
            f"conda-lock {VERSION} found no packages that meet all conda requirements:",
            *(f"  {line}" for line in explanation),
        ]
    )
    return UnsolvableError(message, unsolvable_hint("\n".join(explanation), assumed))
