"""Read a lock by its name on the command line: release, file or git revision."""

from functools import partial
from pathlib import Path

from orbiter.files import is_special
from orbiter.lockfiles import git_revision
from orbiter.lockfiles.siblings import with_requests
from orbiter.lockfiles.types import Lock
from orbiter.lockset import folder as lockset_folder
from orbiter.lockset import model, versions
from resolvers.errors import ExpectedError

VALID_NAMES = (
    "name a release, a lock file, the folder of a lock set, or REVISION:PATH in a git repository"
)


def load_lock(name: str, locks: Path = lockset_folder.LOCKS) -> Lock:
    """Read a release in the folder ``locks``, a path, or ``REVISION:PATH``.

    Raises ExpectedError if it does not exist or is not a lock.
    """
    path = Path(name)
    release = versions.release_name(name)
    if versions.SEMVER.fullmatch(release) and not path.exists():
        return _load_lock_set(lockset_folder.release_folder(release, locks), release)
    if path.is_dir():
        return _load_lock_set(path, name)
    # Reading a device could block or never end.
    if path.is_char_device() or path.is_block_device():
        raise ExpectedError(f"'{name}' is a device, not a file", VALID_NAMES)
    if path.exists():
        return with_requests(_read_file(name, path.read_bytes()), partial(_read_sibling, path))
    # Revisions may contain colons; without a revision, git reads from its index.
    revision, colon, file = name.rpartition(":")
    if colon and file:
        return _load_revision(name, revision, file)
    raise ExpectedError(
        f"'{name}' not found: there is no such release in {locks}/, file or folder", VALID_NAMES
    )


def _read_file(name: str, content: bytes) -> Lock:
    from orbiter.lockfiles import recognise

    return recognise.read(name, content)


def _read_sibling(path: Path, name: str) -> str:
    """Return the text of a file in the folder of a lock, "" if it cannot be read."""
    sibling = path.with_name(name)
    if is_special(sibling):
        return ""
    try:
        return sibling.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def _read_sibling_at(revision: str, path: str, name: str) -> str:
    folder = path.rpartition("/")[0] or "."
    try:
        return git_revision.read_file(revision, f"{folder}/{name}").decode("utf-8", "replace")
    except ExpectedError:
        return ""


def _load_revision(name: str, revision: str, path: str) -> Lock:
    if not git_revision.is_folder(revision, path):
        lock = _read_file(name, git_revision.read_file(revision, path))
        return with_requests(lock, partial(_read_sibling_at, revision, path))
    with git_revision.folder_at(revision, path) as folder:
        try:
            return _load_lock_set(folder, name)
        except ExpectedError as error:
            # The temporary folder no longer exists when the user reads the message.
            message = error.message.replace(str(folder), name)
            hint = "name a revision with a complete lock set, as git lists it in: git log -- locks"
            raise ExpectedError(message, hint) from error


def _load_lock_set(folder: Path, name: str) -> Lock:
    from orbiter.lockfiles import lock_set

    if not (folder / model.MANIFEST).exists():
        releases = ", ".join(lockset_folder.releases()) or "none"
        raise ExpectedError(f"no lock set in {folder} (locked releases: {releases})", VALID_NAMES)
    return lock_set.as_lock(lockset_folder.read(folder), name)
