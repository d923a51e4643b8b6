"""Read the text of files to import."""

import os
from pathlib import Path

from orbiter.conflicts import MARKERS, conflict_line
from resolvers.errors import ExpectedError

LARGEST = 16 << 20
"""The size in bytes of the largest file that is read."""


def is_file(path: Path) -> bool:
    """Return whether there is a file; False for a path that no file can have."""
    try:
        return path.is_file()
    except (OSError, ValueError):  # too long, or with a null character
        return False


def why_no_file(path: Path) -> str:
    """Return why a path for which ``is_file`` returns False cannot be read."""
    if not os.path.lexists(path):
        return "there is no such file"
    if not path.exists():
        return "it is a broken link"
    return "it is a folder" if path.is_dir() else "it is not a regular file"


def read_text(file: Path) -> str:
    """Return the text of a file to import.

    Raises ExpectedError if it is not a file with UTF-8, or has conflict markers.
    """
    if not file.is_file():
        raise ExpectedError(f"{file} is not a regular file", "name a file, or a folder with files")
    if file.stat().st_size > LARGEST:
        raise ExpectedError(f"{file} is larger than 16 MB", "name a file that lists packages")
    content = file.read_bytes()
    if line := conflict_line(content):
        raise ExpectedError(f"{file}:{line}: {MARKERS}", "finish the merge, then import again")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        problem = f"{file}: byte {error.start} is not UTF-8"
        raise ExpectedError(problem, "save the file as UTF-8") from None
