"""The commented images.toml that ``orbiter init`` writes."""

from importlib.resources import files
from pathlib import Path

from resolvers.errors import ExpectedError


def starter_text() -> str:
    """Return the text of the starter images.toml."""
    return files("orbiter.config").joinpath("starter.toml").read_text(encoding="utf-8")


def write_starter(path: Path) -> None:
    """Write the starter to a new file.

    Raises ExpectedError if the file exists; it is not changed.
    """
    try:
        # "x" fails if the file exists, also for a dangling link
        with path.open("x", encoding="utf-8") as file:
            file.write(starter_text())
    except FileExistsError:
        raise ExpectedError(f"{path} already exists", "edit it, or move it away first") from None
    except OSError as error:
        problem = f"{path} cannot be written: {error.strerror}"
        raise ExpectedError(problem, "choose a folder that you can write to") from None
