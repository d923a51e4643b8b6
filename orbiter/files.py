"""Folders for work on its way, which a run that is killed may leave behind and a later one removes."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from resolvers.errors import ExpectedError


@contextmanager
def scratch(parent: Path, prefix: str) -> Iterator[Path]:
    """A new folder ``<prefix>…`` in ``parent``, removed at the end; so is what killed runs left of that prefix.

    Each run holds a lock on its folder, so that only folders which nobody works in are removed.
    """
    parent.mkdir(parents=True, exist_ok=True)
    for left in parent.glob(f"{prefix}*"):
        _sweep(left)
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    folder.chmod(0o755)
    held = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield folder
    finally:
        os.close(held)
        shutil.rmtree(folder, ignore_errors=True)


def _sweep(left: Path) -> None:
    try:
        held = os.open(left, os.O_RDONLY)
    except FileNotFoundError:
        return
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    else:
        shutil.rmtree(left, ignore_errors=True)
    finally:
        os.close(held)


def write(path: Path, text: str) -> None:
    """Write a text; the file's mode and links stay. Raises ExpectedError where nothing can be written."""
    path = path.resolve()  # where it is a link, the file that it leads to is replaced
    try:
        with tempfile.NamedTemporaryFile(
            dir=path.parent, prefix=f".{path.name}.", delete=False
        ) as file:
            new = Path(file.name)
            try:
                file.write(text.encode())
                file.flush()
                new.chmod(path.stat().st_mode & 0o777 if path.exists() else 0o644)
                new.replace(path)
            finally:
                new.unlink(missing_ok=True)
    except OSError as error:
        raise ExpectedError(
            f"{path} cannot be written: {error.strerror}",
            "name a file in a folder that you can write to",
        ) from error
