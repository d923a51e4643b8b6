"""Locks between processes, and temporary folders that the next run removes after a kill."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

TEMPORARY = "orbiter-run-"
"""Beginning of the names of temporary folders."""


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

    Yields False if another process holds the lock, or if the path does not exist or belongs to
    somebody else.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except (FileNotFoundError, PermissionError):
        yield False
        return
    try:
        yield try_lock(descriptor)
    finally:
        os.close(descriptor)


def try_lock(descriptor: int) -> bool:
    """Lock an open file until it is closed; return False if another process holds the lock."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def scratch_folder(parent: Path, prefix: str) -> Iterator[Path]:
    """Make a new folder ``<prefix>…`` in ``parent`` and remove it at the end.

    Also removes the folders with this prefix that killed runs left behind. Each run locks its own
    folder, so a folder that is still in use stays.
    """
    parent.mkdir(parents=True, exist_ok=True)
    _sweep(parent, prefix)
    with _locked_folder(parent, prefix) as folder:
        folder.chmod(0o755)
        yield folder


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Make a folder for temporary files that only this user can read; see ``scratch_folder``."""
    parent = Path(tempfile.gettempdir())
    _sweep(parent, TEMPORARY)
    with _locked_folder(parent, TEMPORARY) as folder:
        yield folder


def _sweep(parent: Path, prefix: str) -> None:
    for leftover in parent.glob(f"{prefix}*"):
        remove_if_free(leftover)


@contextmanager
def _locked_folder(parent: Path, prefix: str) -> Iterator[Path]:
    folder, descriptor = _make_locked(parent, prefix)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(descriptor)


def _make_locked(parent: Path, prefix: str) -> tuple[Path, int]:
    """Make a folder and lock it; return both, with the descriptor that holds the lock."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
        with suppress(FileNotFoundError):
            descriptor = os.open(folder, os.O_RDONLY)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if folder.exists():
                return folder, descriptor
            os.close(descriptor)
        # Another process removed the folder as a leftover before it was locked.


def remove_if_free(folder: Path) -> None:
    """Remove a folder unless another process holds its lock."""
    with locked_if_free(folder) as free:
        if free:
            shutil.rmtree(folder, ignore_errors=True)
