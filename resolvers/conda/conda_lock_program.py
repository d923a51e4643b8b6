"""The engine conda-lock: the real program at a pinned version, with the micromamba, mamba or conda of the user."""

import os
import re
import shutil
import tempfile
from pathlib import Path

from resolvers import process, uv_program
from resolvers.conda import lock_file
from resolvers.conda.channels import channel, hidden
from resolvers.conda.environment_yml import ENVIRONMENT, VIRTUAL
from resolvers.conda.lock_file import FILE, CondaEntry
from resolvers.conda.requirements import Wish, subdir
from resolvers.errors import ExpectedError, ProgramError, UnsolvableError
from resolvers.types import NOTE, LockFiles, Request

VERSION = "4.0.3"
"""The version of conda-lock that is run."""
PROGRAMS = ("micromamba", "mamba", "conda")
"""The programs that can solve for it, the fastest first."""
VARIABLES = ("MAMBA_EXE", "CONDA_EXE")
UNSOLVABLE = re.compile(
    r"[Cc]ould not solve|nothing provides|Unsatisfiable|PackagesNotFound|are incompatible"
)
TRACEBACK = re.compile(r"^Traceback .*?\n(?=\S)", re.MULTILINE | re.DOTALL)
"""What nobody can read, up to the line that names the error."""
NAMES = "names.json"
"""conda-lock's table of names of PyPI, which it would fetch; conda's part needs none."""


def lock(
    request: Request, files: LockFiles, wishes: tuple[Wish, ...]
) -> dict[str, tuple[CondaEntry, ...]]:
    """The program's answer by platform, which keeps earlier pins as it does itself: only for ``--update``, and says so.

    Raises ExpectedError where the user has none of the programs that solve, and for what conda-lock cannot do.
    """
    _check(request, wishes)
    solver = _solver()
    moving = sorted(request.upgrade.packages) if not request.upgrade.everything else []
    with tempfile.TemporaryDirectory(prefix="orbiter-conda-") as name:
        place = Path(name)
        given = {**files, NAMES: "{}"} | ({FILE: request.previous[FILE]} if moving else {})
        for file, text in given.items():
            (place / file).write_text(text, encoding="utf-8")
        program = _program(request)
        if request.previous and not moving:
            request.progress(f"{NOTE}conda-lock solves anew: any package may move")
        request.progress(f"conda-lock {VERSION} solves with {Path(solver).name}")
        updates = [word for each in moving for word in ("--update", each)]
        _run([program, *_words(solver), *updates], place, request)
        found = lock_file.parse({FILE: (place / FILE).read_text(encoding="utf-8")})
    subdirs = (subdir(target.platform) for target in request.targets)
    return {
        each: tuple({entry.name: entry for entry in found.of(each)}.values()) for each in subdirs
    }


def _check(request: Request, wishes: tuple[Wish, ...]) -> None:
    instead = 'leave out conda-engine = "conda-lock" for this'
    if request.as_of:
        raise ExpectedError("conda-lock cannot solve as of a date", instead)
    if any(request.upgrade.packages.values()):
        raise ExpectedError(
            "conda-lock cannot upgrade to a version", f"name the package alone, or {instead}"
        )
    first: dict[str, Wish] = {}
    for wish in wishes:
        other = first.setdefault(wish.name, wish)
        if other.text != wish.text:
            raise ExpectedError(
                f"conda-lock takes one requirement a package: '{other.written}' of group '{other.group}' or "
                f"'{wish.written}' of group '{wish.group}'",
                f"write the same in both, or {instead}",
            )


def _solver() -> str:
    """The path of the user's program; shells hide it behind functions, and tell it in variables."""
    known = [os.environ.get(variable) for variable in VARIABLES] + [
        shutil.which(program) for program in PROGRAMS
    ]
    found = next((path for path in known if path and os.access(path, os.X_OK)), None)
    if found is None:
        raise ExpectedError(
            "the engine conda-lock needs micromamba, mamba or conda, and none is on PATH",
            'install micromamba, or leave out conda-engine = "conda-lock": rattler needs no program',
        )
    return found


def _program(request: Request) -> Path:
    """Return the path of conda-lock in an isolated environment, installing it if needed."""
    python = uv_program.tool_python("conda-lock", VERSION, request.progress)
    return Path(python).with_name("conda-lock")


def _words(solver: str) -> list[str | Path]:
    kind = next((program for program in PROGRAMS[:2] if program in Path(solver).name), "")
    kinds = [f"--{'' if program == kind else 'no-'}{program}" for program in PROGRAMS[:2]]
    told = ["--file", ENVIRONMENT, "--virtual-package-spec", VIRTUAL, "--lockfile", FILE]
    return ["lock", "--conda", solver, *kinds, *told, "--pypi_to_conda_lookup_file", NAMES]


def _run(command: list[str | Path], place: Path, request: Request) -> None:
    try:
        process.run(command, cwd=place, env={"CONDA_CHANNEL_PRIORITY": request.conda.priority})
    except ProgramError as error:
        words = hidden(TRACEBACK.sub("", error.output), map(channel, request.conda.channels))
        lines = [f"  {line}" for line in words.splitlines() if line.strip()]
        message = "\n".join([f"conda-lock {VERSION} failed", *lines])
        if UNSOLVABLE.search(words):
            raise UnsolvableError(
                message, "loosen or drop one of the requirements, or add a channel"
            ) from error
        raise ExpectedError(message, f"see that {command[3]} reaches the channels") from error
