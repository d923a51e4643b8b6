"""Read a lock by its name on the command line: release, file or git revision."""

import re
from pathlib import Path

from orbiter.lockfiles.types import Lock
from orbiter.lockset import folder as lockset_folder
from orbiter.lockset import model, versions
from resolvers import process
from resolvers.errors import ExpectedError, ProgramError

VALID_NAMES = (
    "name a release, a lock file, the folder of a lock set, or REVISION:PATH in a git repository"
)


def load_lock(name: str, locks: Path = lockset_folder.LOCKS) -> Lock:
    """Read a release in the folder ``locks``, a path, or ``REVISION:PATH``.

    Raises ExpectedError if it does not exist or is not a lock.
    """
    path = Path(name)
    if versions.SEMVER.fullmatch(name) and not path.exists():
        return _load_lock_set(lockset_folder.release_folder(name, locks), name)
    if path.is_dir():
        return _load_lock_set(path, name)
    # Reading a device could block or never end.
    if path.is_char_device() or path.is_block_device():
        raise ExpectedError(f"'{name}' is a device, not a file", VALID_NAMES)
    if path.exists():
        return _read_file(name, path.read_bytes())
    # Revisions may contain colons; without a revision, git reads from its index.
    revision, colon, file = name.rpartition(":")
    if colon and file:
        return _read_file(name, git_blob(revision, file))
    raise ExpectedError(
        f"'{name}' not found: there is no such release in {locks}/, file or folder", VALID_NAMES
    )


def _read_file(name: str, content: bytes) -> Lock:
    from orbiter.lockfiles import recognise

    return recognise.read(name, content)


def _load_lock_set(folder: Path, name: str) -> Lock:
    from orbiter.lockfiles import lock_set

    if not (folder / model.MANIFEST).exists():
        releases = ", ".join(lockset_folder.releases()) or "none"
        raise ExpectedError(f"no lock set in {folder} (locked releases: {releases})", VALID_NAMES)
    return lock_set.as_lock(lockset_folder.read(folder), name)


def git_blob(revision: str, path: str) -> bytes:
    """Return a file at a git revision; the path is relative to the current folder.

    Raises ExpectedError if the revision or the file does not exist.
    """
    if revision.startswith("-"):
        raise ExpectedError(f"'{revision}' is not a git revision", VALID_NAMES)
    # git resolves a path relative to the repository unless it starts with a dot.
    relative = path if path.startswith(("./", "../")) else f"./{path}"
    command = ["git", "show", f"{revision}:{relative}"]
    try:
        # The file may contain any bytes; the reader reports those that are not UTF-8.
        content = process.run(command, name="git", undecodable="surrogateescape")
    except ProgramError as error:
        reason = _first_line(error.output) or "the command failed"
        raise ExpectedError(f"{revision}:{path}: git: {reason}", VALID_NAMES) from error
    return content.encode("utf-8", "surrogateescape")


def _first_line(output: str) -> str:
    lines = output.strip().splitlines()
    return re.sub(r"^fatal: ", "", lines[0]) if lines else ""
