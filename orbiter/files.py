"""Atomic writes of files, and paths that are not files."""

import stat
from pathlib import Path

from resolvers.errors import ExpectedError
from resolvers.scratch import scratch_folder


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically; its mode stays, and a symbolic link is followed.

    A device or a pipe, such as /dev/stdout, receives the text instead of being replaced.
    Raises ExpectedError if the file cannot be written.
    """
    write_bytes(path, text.encode())


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file like ``write_text``."""
    try:
        if is_special(path):
            path.write_bytes(content)
            return
        path = path.resolve()  # replace the target of a link, not the link
        _replace(path, content)
    except BrokenPipeError:
        raise  # the reader of a pipe has enough: not an error of the path
    except OSError as error:
        raise ExpectedError(
            f"cannot write {path}: {error.strerror}",
            "make it writable, or name a file in a folder that you may write to",
        ) from error


def is_special(path: Path) -> bool:
    """Return whether a path is a pipe, a device or a socket: reading one may never end."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):  # missing, too long, or with a null character
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _replace(path: Path, content: bytes) -> None:
    path.parent.stat()  # a missing folder is a mistake of the user
    with scratch_folder(path.parent, f".{path.name}.new-") as scratch:
        new = scratch / path.name
        new.write_bytes(content)
        new.chmod(path.stat().st_mode & 0o777 if path.exists() else 0o644)
        new.replace(path)
