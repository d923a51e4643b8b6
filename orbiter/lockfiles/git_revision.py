"""Files and folders at a revision of the git repository around the current folder."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from orbiter import git
from resolvers.errors import ExpectedError, ProgramError
from resolvers.scratch import temporary_folder

REVISION_HINT = "name a revision and a path in the repository: REVISION:PATH"

AS_STORED = ("core.autocrlf=false", "core.eol=lf", "core.symlinks=false")
"""Settings with which git writes the bytes that it stores, and a link as a plain file."""


def is_folder(revision: str, path: str) -> bool:
    """Return whether a path at a revision is a folder, relative to the current folder.

    Raises ExpectedError if the revision or the path does not exist.
    """
    kind = _run(revision, path, "cat-file", "-t", _object_name(revision, path))
    return kind.strip() == "tree"


def read_file(revision: str, path: str) -> bytes:
    """Return a file at a revision; the path is relative to the current folder.

    Raises ExpectedError if the revision or the file does not exist.
    """
    content = _run(revision, path, "show", _object_name(revision, path))
    return content.encode("utf-8", "surrogateescape")


@contextmanager
def folder_at(revision: str, path: str) -> Iterator[Path]:
    """Yield a temporary copy of a folder at a revision, byte by byte as git stores it."""
    name = _object_name(revision, path)
    git_folder, tree = _run(
        revision, path, "rev-parse", "--absolute-git-dir", "--verify", name
    ).splitlines()
    with temporary_folder() as temporary:
        copy = temporary / "copy"
        copy.mkdir()
        environment = {
            "GIT_DIR": git_folder,
            "GIT_WORK_TREE": str(copy),
            "GIT_INDEX_FILE": str(temporary / "index"),
        }
        for command in (("read-tree", tree), ("checkout-index", "--all")):
            _run(revision, path, *command, cwd=copy, env=environment)
        yield copy


def _object_name(revision: str, path: str) -> str:
    if revision.startswith("-"):
        raise ExpectedError(f"'{revision}' is not a git revision", REVISION_HINT)
    # git resolves a path relative to the repository unless it starts with a dot.
    relative = path if path.startswith(("./", "../")) else f"./{path}"
    return f"{revision}:{relative.rstrip('/')}"


def _run(
    revision: str,
    path: str,
    *words: str,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> str:
    try:
        # A file may contain any bytes; its reader reports those that are not UTF-8.
        return git.run(*words, cwd=cwd, env=env, settings=AS_STORED)
    except ProgramError as error:
        reason = _first_line(error.output) or "the command failed"
        raise ExpectedError(f"{revision}:{path}: git: {reason}", REVISION_HINT) from error


def _first_line(output: str) -> str:
    lines = output.strip().splitlines()
    return re.sub(r"^fatal: ", "", lines[0]) if lines else ""
