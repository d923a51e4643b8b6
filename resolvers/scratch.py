"""Locks between processes, and temporary folders that the next run removes after a kill."""

import errno
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from resolvers.errors import DiskError

TEMPORARY = "orbiter-run-"
"""Beginning of the names of temporary folders."""
DISK_PROBLEMS = {
    errno.ENOSPC: "free some space there",
    errno.EDQUOT: "free some space there, or raise your quota",
    errno.EROFS: "make it writable",
}
"""Errors of the whole disk, with remedies. Python does not say where a write failed."""


@contextmanager
def writing_to(folder: Path, remedy: str = "") -> Iterator[None]:
    """Turn the error of a full or read-only disk into a DiskError that names the folder.

    ``remedy`` says how to use another folder.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in DISK_PROBLEMS:
            raise
        hint = ", or ".join(filter(None, (DISK_PROBLEMS[error.errno], remedy)))
        raise DiskError(f"cannot write to {folder}: {error.strerror}", hint) from error


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the exclusive lock on a file or folder; wait until no other process holds it."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def locked_if_free(path: Path) -> Iterator[bool]:
    """Try to hold the exclusive lock on a file or folder, without waiting.

    Yields False if another process holds the lock or has replaced the path, or if the path does
    not exist or belongs to somebody else.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except (FileNotFoundError, PermissionError):
        yield False
        return
    try:
        yield _try_lock_path(descriptor, path)
    finally:
        os.close(descriptor)


def try_lock(descriptor: int) -> bool:
    """Lock an open file until it is closed; return False if another process holds the lock."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _try_lock_path(descriptor: int, path: Path) -> bool:
    """Lock an open file like ``try_lock``; return False also if the path is another file now.

    Since it was opened, one process may have removed it and another one made it again.
    """
    try:
        return try_lock(descriptor) and os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


@contextmanager
def scratch_folder(parent: Path, prefix: str, remedy: str = "", name: str = "") -> Iterator[Path]:
    """Make a new folder ``<prefix>…`` in ``parent`` and remove it at the end.

    Its name is ``<prefix><name>`` if ``name`` is not empty and no other process uses this folder.
    Also removes the folders with this prefix that killed runs left behind. Each run locks its own
    folder, so a folder that is still in use stays. Raises DiskError with the remedy if the disk is
    full or read-only, now or in the block.
    """
    with writing_to(parent, remedy):
        parent.mkdir(parents=True, exist_ok=True)
        _sweep(parent, prefix)
        with _locked_folder(parent, prefix, name) as folder:
            folder.chmod(0o755)
            yield folder


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Make a folder for temporary files that only this user can read; see ``scratch_folder``."""
    parent = Path(tempfile.gettempdir())
    with writing_to(parent, "name another folder in TMPDIR"):
        _sweep(parent, TEMPORARY)
        with _locked_folder(parent, TEMPORARY) as folder:
            yield folder


def _sweep(parent: Path, prefix: str) -> None:
    for leftover in parent.glob(f"{prefix}*"):
        remove_if_free(leftover)


@contextmanager
def _locked_folder(parent: Path, prefix: str, name: str = "") -> Iterator[Path]:
    folder, descriptor = _make_locked(parent, prefix, name)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(descriptor)


def _make_locked(parent: Path, prefix: str, name: str) -> tuple[Path, int]:
    """Make a folder and lock it; return both, with the descriptor that holds the lock."""
    while True:
        folder = _make(parent, prefix, name)
        with suppress(FileNotFoundError):
            descriptor = os.open(folder, os.O_RDONLY)
            if _try_lock_path(descriptor, folder):
                return folder, descriptor
            os.close(descriptor)
        # Another process removed the folder as a leftover before it was locked.


def _make(parent: Path, prefix: str, name: str) -> Path:
    """Make the folder with this name, or one with a random name."""
    folder = parent / f"{prefix}{name}"
    if name:
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
            return folder
    return Path(tempfile.mkdtemp(prefix=prefix, dir=parent))


def remove_if_free(folder: Path) -> None:
    """Remove a folder unless another process holds its lock."""
    with locked_if_free(folder) as free:
        if free:
            shutil.rmtree(folder, ignore_errors=True)
