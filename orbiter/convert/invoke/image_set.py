"""Import invoke.yaml, a whole image set of the original Orbiter, as a new images.toml.

The format is defined by https://github.com/dorgeln/orbiter: its invoke.yaml and its tasks.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from orbiter.config.read import image_set_of
from orbiter.convert.files import read_text
from orbiter.convert.invoke.builders import MANAGERS, builder_tables
from orbiter.convert.invoke.lists import Lists
from orbiter.convert.invoke.toml_text import Table, images_toml
from orbiter.convert.invoke.yaml import Shared, comments, parse
from orbiter.convert.outcome import Note, Notes
from resolvers.errors import ExpectedError

IMPORTED_KEYS = frozenset(
    {"version", "maintainer", "user", "uid", "gid", "docker", "docker.repo", "python", "build"}
)
"""The settings that are imported, or whose parts are."""
USER_KEYS: Mapping[str, str] = {"name": "user", "uid": "uid", "gid": "gid"}
"""The keys of [user], and their names in invoke.yaml."""
_INVOKE = "a setting of the program invoke"
_PYTHON = (
    "each Alpine release has one Python, the apk package python3; "
    "python in [builder.alpine] checks its version"
)
_ORIGINAL = f"the original has {' and '.join(MANAGERS)}"
REASONS: Mapping[str, str] = {
    "debug": _INVOKE,
    "run": _INVOKE,
    "tasks": _INVOKE,
    "docker.mount": "mount a folder with `orbiter run --mount FOLDER`",
    "python.version": _PYTHON,
    "python.required": _PYTHON,
}
"""Settings that images.toml does not support, with the reason."""


class ImageSetFile(msgspec.Struct, frozen=True, kw_only=True):
    """The text of a new images.toml, and notes on the parts that were not imported unchanged."""

    text: str
    notes: tuple[Note, ...]


def import_image_set(file: Path, images: Path) -> ImageSetFile:
    """Return an invoke.yaml as a new images.toml; write nothing.

    Raises ExpectedError if the file is not an image set, and ConfigError if the new images.toml is
    not valid.
    """
    converted = convert(str(file), read_text(file))
    image_set_of(converted.text, images, f"{images} with {file}")
    return converted


def convert(file: str, text: str) -> ImageSetFile:
    """Return the text of an invoke.yaml as an images.toml."""
    data = parse(file, text)
    notes = Notes()
    lists = Lists(comments(text), notes)
    _add_unsupported_settings(data, notes)
    builders = {
        name: images
        for name, images in data["build"].items()
        if _is_supported_builder(name, images, notes)
    }
    if not builders:
        problem = f"{file} has no builder of the original Orbiter, only {', '.join(data['build'])}"
        raise ExpectedError(problem, f"{_ORIGINAL}: rename your builder to one of them")
    stages: list[Table] = []
    try:
        for name, images in builders.items():
            stages += builder_tables(name, images, lists, notes)
    except ExpectedError as error:
        raise ExpectedError(f"{file}: {error.message}", error.hint) from None
    sets = Table(path="sets", values=lists.sets)
    heads = [table for table in (_top(file, data), _user(data), sets) if table.values]
    head = f"The image set of {Path(file).name}."
    return ImageSetFile(text=images_toml(head, (*heads, *stages), notes.all), notes=notes.all)


def _top(file: str, data: Mapping[str, Any]) -> Table:
    """Return the keys above the first table."""
    docker = data.get("docker")
    repository = docker.get("repo") if isinstance(docker, dict) else None
    values = {
        "version": _required(file, "version", data.get("version")),
        "repository": _required(file, "docker.repo", repository),
        "maintainer": str(data.get("maintainer") or ""),
    }
    return Table(path="", values=values)


def _user(data: Mapping[str, Any]) -> Table:
    values = {key: data[name] for key, name in USER_KEYS.items() if data.get(name) is not None}
    return Table(path="user", values=values)


def _required(file: str, key: str, value: object) -> str:
    if value is None:
        problem = f"{file}: {key} is missing"
        raise ExpectedError(problem, "add it: an image set needs a version and a repository")
    return str(value)


def _add_unsupported_settings(data: Mapping[str, Any], notes: Notes) -> None:
    """Add notes on the settings that are not imported."""
    for name, value in _settings(data):
        # Lists with an anchor are only there to be used in other lists.
        if name not in IMPORTED_KEYS and not isinstance(value, Shared):
            what = name
            if name in REASONS and isinstance(value, str):
                what = f"{name} '{value}'"
            notes.add("left out", "", what, REASONS.get(name, "unknown setting"))


def _settings(data: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield all settings, such as ``version`` and ``docker.repo``, except those in ``build``."""
    for key, value in data.items():
        if key in IMPORTED_KEYS and key != "build" and isinstance(value, dict):
            yield from ((f"{key}.{part}", inner) for part, inner in value.items())
        else:
            yield key, value


def _is_supported_builder(name: str, images: object, notes: Notes) -> bool:
    """Return whether a builder can be imported; add a note if not."""
    if isinstance(images, dict) and name in MANAGERS:
        return True
    what = f"builder '{name}'"
    if isinstance(images, dict):
        what += f" with its images {', '.join(images)}"
    notes.add("left out", "", what, f"not a supported builder with images; {_ORIGINAL}")
    return False
