"""orbiter init: a commented images.toml to start from."""

from importlib.resources import files
from pathlib import Path

from resolvers.errors import ExpectedError


def starter_text() -> str:
    """The text of the starter images.toml."""
    return files("orbiter.config").joinpath("starter.toml").read_text(encoding="utf-8")


def write_starter(path: Path) -> None:
    """Write the starter to a new file. Raises ExpectedError where there is one already; it is left alone."""
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(starter_text())
    except FileExistsError:
        raise ExpectedError(f"{path} exists already", "edit it, or move it away first") from None
    except OSError as error:
        raise ExpectedError(
            f"{path} cannot be written: {error.strerror}", "choose a folder you can write"
        ) from None
