"""Files that several processes use at once: locks, scratch folders and atomic writes."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from resolvers.errors import ExpectedError


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

    Yields False if another process holds the lock, or if the path does not exist.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
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
    for leftover in parent.glob(f"{prefix}*"):
        remove_if_free(leftover)
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    folder.chmod(0o755)
    try:
        with locked(folder):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def remove_if_free(folder: Path) -> None:
    """Remove a folder unless another process holds its lock."""
    with locked_if_free(folder) as free:
        if free:
            shutil.rmtree(folder, ignore_errors=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically; its mode stays, and a symbolic link is followed.

    Raises ExpectedError if the file cannot be written.
    """
    path = path.resolve()  # replace the target of a link, not the link
    try:
        _replace(path, text.encode())
    except OSError as error:
        raise ExpectedError(
            f"cannot write {path}: {error.strerror}",
            "name a file in a folder that you may write to",
        ) from error


def _replace(path: Path, content: bytes) -> None:
    with tempfile.NamedTemporaryFile(
        dir=path.parent, prefix=f".{path.name}.", delete=False
    ) as file:
        new = Path(file.name)
        try:
            file.write(content)
            file.flush()
            new.chmod(path.stat().st_mode & 0o777 if path.exists() else 0o644)
            new.replace(path)
        finally:
            new.unlink(missing_ok=True)
