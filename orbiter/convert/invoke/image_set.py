"""orbiter import invoke.yaml: the configuration of the original Orbiter, a whole image set, as a new images.toml.

The format is known by https://github.com/dorgeln/orbiter: its invoke.yaml and what its tasks do with it.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from orbiter.convert.add_to_image import check, read_text
from orbiter.convert.invoke import toml_text
from orbiter.convert.invoke.builders import MANAGERS, builder_tables
from orbiter.convert.invoke.lists import Lists
from orbiter.convert.invoke.toml_text import Table
from orbiter.convert.invoke.yaml import Shared, comments, parsed
from orbiter.convert.outcome import Note, Notes
from resolvers.errors import ExpectedError

CARRIED = frozenset(
    {"version", "maintainer", "user", "uid", "gid", "docker", "docker.repo", "python", "build"}
)
USER: Mapping[str, str] = {"name": "user", "uid": "uid", "gid": "gid"}
"""The keys of [user], and what the file calls them."""
INVOKE = "a setting of the program invoke"
PYTHON = (
    "Alpine has one Python a release, python3 of apk; python of [builder.alpine] would check it"
)
THEIRS = f"the original has {' and '.join(MANAGERS)}"
REASONS: Mapping[str, str] = {
    "debug": INVOKE,
    "run": INVOKE,
    "tasks": INVOKE,
    "docker.mount": "`orbiter run --mount FOLDER` mounts a folder",
    "python.version": PYTHON,
    "python.required": PYTHON,
}
"""The keys that images.toml has no place for, and why."""


class ImageSetFile(msgspec.Struct, frozen=True, kw_only=True):
    """The text of a new images.toml, and what became of what could not be carried over as it stands."""

    text: str
    notes: tuple[Note, ...]


def import_image_set(file: Path, images: Path) -> ImageSetFile:
    """An invoke.yaml as the images.toml that means the same; nothing is written.

    Raises ExpectedError where the file is none, and ConfigError where what it says makes no images.toml.
    """
    made = convert(str(file), read_text(file))
    check(made.text, images, file)
    return made


def convert(file: str, text: str) -> ImageSetFile:
    """The text of an invoke.yaml as that of an images.toml."""
    data = parsed(file, text)
    notes = Notes()
    lists = Lists(comments(text), notes)
    _tell_others(data, notes)
    families = {
        name: images for name, images in data["build"].items() if _serves(name, images, notes)
    }
    if not families:
        problem = f"{file} has no builder of the original Orbiter, but {', '.join(data['build'])}"
        raise ExpectedError(problem, f"{THEIRS}: rename a builder that is one of them")
    try:
        tables = [
            table
            for name in families
            for table in builder_tables(name, families[name], lists, notes)
        ]
    except ExpectedError as error:
        raise ExpectedError(f"{file}: {error.message}", error.hint) from None
    heads = [
        table
        for table in (*_heads(file, data), Table(path="sets", values=lists.sets))
        if table.values
    ]
    head = f"The image set of {Path(file).name}."
    return ImageSetFile(text=toml_text.text(head, (*heads, *tables), notes.all), notes=notes.all)


def _heads(file: str, data: Mapping[str, Any]) -> tuple[Table, Table]:
    """The top of images.toml, and [user]."""
    docker = data.get("docker")
    top = {
        "version": _text(file, "version", data.get("version")),
        "repository": _text(
            file, "docker.repo", docker.get("repo") if isinstance(docker, dict) else None
        ),
        "maintainer": str(data.get("maintainer") or ""),
    }
    user = {key: data[old] for key, old in USER.items() if data.get(old) is not None}
    return Table(path="", values=top), Table(path="user", values=user)


def _text(file: str, key: str, value: object) -> str:
    if value is None:
        raise ExpectedError(
            f"{file}: {key} is missing", "add it: an image set has a version and a repository"
        )
    return str(value)


def _tell_others(data: Mapping[str, Any], notes: Notes) -> None:
    """Note the settings that are not carried over. Lists are there for their anchors."""
    for key, value in data.items():
        parts = (
            value if key in CARRIED and isinstance(value, dict) and key != "build" else {"": value}
        )
        for part, inner in parts.items():
            name = f"{key}.{part}" if part else key
            if name not in CARRIED and not isinstance(inner, Shared):
                shown = f" '{inner}'" if name in REASONS and isinstance(inner, str) else ""
                notes.add(
                    "left out",
                    "",
                    f"{name}{shown}",
                    REASONS.get(name, "Orbiter knows no such setting"),
                )


def _serves(name: str, images: object, notes: Notes) -> bool:
    """Whether images.toml gets a builder of the file; if not, that is noted."""
    if isinstance(images, dict) and name in MANAGERS:
        return True
    which = f" with its images {', '.join(images)}" if isinstance(images, dict) else ""
    notes.add(
        "left out",
        "",
        f"builder '{name}'{which}",
        f"no builder with images that Orbiter knows; {THEIRS}",
    )
    return False
