"""What people name on the command line, read into locks: releases, files, and files of a git revision."""

import re
from pathlib import Path

from orbiter.lockfiles.types import Lock
from orbiter.lockset import folder as lockset_folder
from orbiter.lockset import model, versions
from resolvers import process
from resolvers.errors import ExpectedError, ProgramError

NAMES = (
    "give a release, a lock file, a folder with a lock set, or REVISION:PATH of a git repository"
)


def load_lock(name: str, locks: Path = lockset_folder.LOCKS) -> Lock:
    """Read what a name stands for: a release below ``locks``, a path, or ``REVISION:PATH``.

    Raises ExpectedError for what is not there or is no lock.
    """
    path = Path(name)
    if versions.SEMVER.fullmatch(name) and not path.exists():
        return _lock_set(lockset_folder.release_folder(name, locks), name)
    if path.is_dir():
        return _lock_set(path, name)
    if path.is_char_device() or path.is_block_device():
        raise ExpectedError(f"'{name}' is a device, no file", NAMES)
    if path.exists():
        return _file(name, path.read_bytes())
    revision, colon, inside = name.rpartition(
        ":"
    )  # git's revisions may hold colons; without one it is the index
    if colon and inside:
        return _file(name, git_blob(revision, inside))
    raise ExpectedError(f"'{name}' is no release under {locks}/, no file and no folder", NAMES)


def _file(name: str, content: bytes) -> Lock:
    from orbiter.lockfiles import recognise

    return recognise.read(name, content)


def _lock_set(folder: Path, name: str) -> Lock:
    from orbiter.lockfiles import lock_set

    if not (folder / model.MANIFEST).exists():
        known = ", ".join(lockset_folder.releases()) or "none"
        raise ExpectedError(f"there is no lock set in {folder} (locked releases: {known})", NAMES)
    return lock_set.as_lock(lockset_folder.read(folder), name)


def git_blob(revision: str, path: str) -> bytes:
    """The content of a file at a git revision; a path is taken from the working folder, as git does with ``./``.

    Raises ExpectedError where git knows no such revision or file.
    """
    if revision.startswith("-"):
        raise ExpectedError(f"'{revision}' is no git revision", NAMES)
    place = path if path.startswith(("./", "../")) else f"./{path}"
    try:
        return process.run(
            ["git", "show", f"{revision}:{place}"], name="git", undecodable="surrogateescape"
        ).encode("utf-8", "surrogateescape")
    except ProgramError as error:
        words = re.sub(
            r"^fatal: ",
            "",
            error.output.strip().splitlines()[0] if error.output.strip() else "it failed",
        )
        raise ExpectedError(f"{revision}:{path}: git says: {words}", NAMES) from error
