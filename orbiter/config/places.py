"""Lines of images.toml with the requirements of each stage."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec

from orbiter.config.lines import key_lines, line_of
from orbiter.config.mistakes import Mistakes, key_path
from orbiter.config.requirements import SYNTAXES
from orbiter.config.schema import Build, ConfigFile
from orbiter.config.sets import expand
from orbiter.files import is_special


class Place(NamedTuple):
    """The key of a requirement in images.toml, and its line; 0 if that is unknown."""

    key: str = ""
    line: int = 0


Places = Mapping[tuple[str, str, str], Place]
"""The places of requirements by stage, manager and text."""


def requirement_places(path: Path, release: str) -> Places:
    """Return the places of all requirements in images.toml.

    The result is empty if the file cannot be read, or describes another release.
    """
    if is_special(path):
        return {}
    try:
        text = path.read_bytes().decode("utf-8-sig")
        file = msgspec.toml.decode(text, type=ConfigFile)
    except (OSError, ValueError, RecursionError):
        return {}
    if file.version != release:
        return {}
    lines = key_lines(text)
    return {
        (stage, manager, requirement): Place(key, line_of(key, lines))
        for stage, table_path, table in _stages(file)
        for manager, requirement, key in _requirements(file, table_path, table)
    }


def _stages(file: ConfigFile) -> Iterator[tuple[str, str, Build]]:
    """Yield the name, the path and the table of each stage."""
    for builder, images in file.image.items():
        for name, image in images.items():
            path = key_path(key_path("image", builder), name)
            yield f"{builder}-{name}", path, image
            if isinstance(image.build, Build):
                yield f"{builder}-{name}-build", f"{path}.build", image.build


def _requirements(file: ConfigFile, path: str, table: Build) -> Iterator[tuple[str, str, str]]:
    """Yield the manager, the text and the key of each requirement of a stage."""
    for manager in SYNTAXES:
        for entry in expand(getattr(table, manager), f"{path}.{manager}", file.sets, Mistakes()):
            yield manager, entry.text, entry.path
