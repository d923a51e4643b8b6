"""Putting a text into a file at once: whoever reads it sees the old one or the new one."""

import tempfile
from pathlib import Path

from resolvers.errors import ExpectedError


def write(path: Path, text: str) -> None:
    """Write a text; the file's mode and links stay. Raises ExpectedError where nothing can be written."""
    path = path.resolve()  # where it is a link, the file that it leads to is replaced
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
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
            f"{path} cannot be written: {error.strerror}", "name a file in a folder that you can write to"
        ) from error
