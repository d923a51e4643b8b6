"""The commented images.toml that ``orbiter init`` writes."""

from pathlib import Path

from resolvers.errors import ExpectedError

BUILDERS = ("debian", "alpine", "micromamba")
"""The builders that a starter can be written for, the default first."""


def starter_text(builder: str = BUILDERS[0]) -> str:
    """Return the text of the starter images.toml whose images are made by a builder."""
    from importlib.resources import files

    from jinja2 import Environment, StrictUndefined

    template = files("orbiter.config").joinpath("starter.toml.j2").read_text(encoding="utf-8")
    environment = Environment(
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # no HTML is rendered
    )
    return environment.from_string(template).render(builder=builder)


def write_starter(path: Path, builder: str = BUILDERS[0]) -> None:
    """Write the starter to a new file.

    Raises ExpectedError if the file exists; it is not changed.
    """
    try:
        # "x" fails if the file exists, also for a dangling link
        with path.open("x", encoding="utf-8") as file:
            file.write(starter_text(builder))
    except FileExistsError:
        raise ExpectedError(f"{path} already exists", "edit it, or move it away first") from None
    except OSError as error:
        problem = f"{path} cannot be written: {error.strerror}"
        raise ExpectedError(problem, "choose a folder that you can write to") from None
