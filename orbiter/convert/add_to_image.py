"""Add the requirements of another tool's file to a stage in images.toml."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from orbiter.config.builders import CONDA_BUILDER
from orbiter.config.image_set import ImageSet, Stage
from orbiter.config.read import image_set_of, read_incomplete_image_set
from orbiter.config.requirements import package_name
from orbiter.config.toml_edit import Edit, ListItem, TablePath, apply_edits
from orbiter.conflicts import MARKERS, conflict_line
from orbiter.convert import environment_yml
from orbiter.convert.outcome import ImportedRequirements, LeftOut
from resolvers.conda.channels import parse_channel
from resolvers.errors import ExpectedError

UNVERSIONED = re.compile(r"[\w.-]+")
"""A requirement without a version, which every other requirement for the package satisfies."""
DEFAULT_CHANNELS = ("conda-forge",)

Lists = Mapping[str, tuple[ListItem, ...]]


class ImportResult(msgspec.Struct, frozen=True, kw_only=True):
    """The new text of images.toml, the additions in it and what was left out.

    ``tables`` and ``channels`` are those that were added. ``added`` maps managers to the
    requirements that were added to the lists of ``stage``.
    """

    text: str
    stage: str
    tables: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    added: dict[str, tuple[str, ...]]
    left_out: tuple[LeftOut, ...]


class _Destination(msgspec.Struct, frozen=True, kw_only=True):
    """The stage that the requirements are added to.

    ``paths`` are the tables that it needs; the last one is its own. ``stage`` is set if it exists.
    """

    name: str
    paths: tuple[TablePath, ...]
    stage: Stage | None


def import_environment(file: Path, images: Path, name: str) -> ImportResult:
    """Return images.toml with the requirements of a file in the stage ``name``; write nothing.

    Requirements go to the build stage if the image has one. A missing image is added with a build
    stage. Existing entries are kept: a requirement whose package is already in the list is left
    out. Raises ExpectedError, and ConfigError if the new images.toml is not valid.
    """
    image_set = read_incomplete_image_set(images)
    text = images.read_bytes().decode("utf-8-sig")
    destination = _destination(image_set, name)
    imported = environment_yml.read(str(file), read_text(file), image_set.platforms)
    added, duplicates = _new_requirements(imported, destination.stage)
    if not added:
        left_out = (*imported.left_out, *duplicates)
        return ImportResult(text=text, stage=destination.name, added={}, left_out=left_out)
    channels = _new_channels(imported, image_set)
    data = tomllib.loads(text)
    edits = _edits(destination, added, channels, data)
    new = apply_edits(text, edits, str(images))
    image_set_of(new, images, f"{images} with {file}")
    return ImportResult(
        text=new,
        stage=destination.name,
        tables=_new_tables(edits, data),
        channels=channels,
        added={manager: tuple(entry.text for entry in items) for manager, items in added.items()},
        left_out=(*imported.left_out, *_lost_order(imported, image_set, channels), *duplicates),
    )


def read_text(file: Path) -> str:
    """Return the text of a file to import.

    Raises ExpectedError if it is not UTF-8, or has conflict markers.
    """
    content = file.read_bytes()
    if line := conflict_line(content):
        raise ExpectedError(f"{file}:{line}: {MARKERS}", "finish the merge, then import again")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        problem = f"{file}: byte {error.start} is not UTF-8"
        raise ExpectedError(problem, "save the file as UTF-8") from None


def _destination(image_set: ImageSet, name: str) -> _Destination:
    prefix = f"{CONDA_BUILDER}-"
    if not name.startswith(prefix):
        raise ExpectedError(
            f"'{name}' is not an image of the builder {CONDA_BUILDER}, the only one with conda",
            f"name one, such as {prefix}base; it is added to images.toml if it is missing",
        )
    stages = {stage.name: stage for stage in image_set.stages}
    existing = stages.get(name)
    image = existing.image if existing else name.removeprefix(prefix).removesuffix("-build")
    path = ("image", CONDA_BUILDER, image)
    if existing and existing.kind == "final" and not existing.build:
        return _Destination(name=name, paths=(path,), stage=existing)
    build = f"{prefix}{image}-build"
    return _Destination(name=build, paths=(path, (*path, "build")), stage=stages.get(build))


def _new_requirements(
    imported: ImportedRequirements, stage: Stage | None
) -> tuple[Lists, list[LeftOut]]:
    """Return the requirements for new packages, and those that differ from existing ones."""
    added: dict[str, tuple[ListItem, ...]] = {}
    left_out: list[LeftOut] = []
    for manager, entries in imported.requirements.items():
        existing = stage.requirements.get(manager, ()) if stage else ()
        existing_by_name = {package_name(manager, text): text for text in existing}
        new: dict[str, ListItem] = {}
        for entry in entries:
            name = package_name(manager, entry.text)
            if name in existing_by_name:
                reason = f"images.toml already has '{existing_by_name[name]}'"
                left_out += _duplicate(manager, entry.text, existing_by_name[name], reason)
            elif name not in new or UNVERSIONED.fullmatch(new[name].text):
                new[name] = entry
            else:
                reason = f"the file already has '{new[name].text}'"
                left_out += _duplicate(manager, entry.text, new[name].text, reason)
        if new:
            added[manager] = tuple(new.values())
    return added, left_out


def _duplicate(manager: str, text: str, other: str, reason: str) -> list[LeftOut]:
    """Return the requirement unless the other one for the same package implies it."""
    if UNVERSIONED.fullmatch(text) or "".join(text.split()) == "".join(other.split()):
        return []
    return [LeftOut(what=f"{manager} '{text}'", why=reason)]


def _existing_channels(image_set: ImageSet) -> tuple[str, ...]:
    builder = image_set.builders.get(CONDA_BUILDER)
    if not builder or not builder.conda:
        return ()
    return tuple(parse_channel(name).url for name in builder.conda.channels)


def _new_channels(imported: ImportedRequirements, image_set: ImageSet) -> tuple[str, ...]:
    """Return the channels that the builder does not have yet."""
    existing = _existing_channels(image_set)
    return tuple(url for url in imported.channels if url not in existing)


def _lost_order(
    imported: ImportedRequirements, image_set: ImageSet, new: tuple[str, ...]
) -> list[LeftOut]:
    """Return a note if the builder's order of channels differs from the one in the file."""
    existing = _existing_channels(image_set)
    order = [url for url in (*existing, *new) if url in imported.channels]
    if order == [*imported.channels]:
        return []
    what = f"the order of the channels {', '.join(imported.channels)}"
    why = f"the channels in images.toml keep their priority: {', '.join(existing)}"
    return [LeftOut(what=what, why=why)]


def _edits(
    destination: _Destination, added: Lists, channels: tuple[str, ...], data: dict[str, Any]
) -> tuple[Edit, ...]:
    builder = _builder_edit(channels, data.get("builder", {}).get(CONDA_BUILDER))
    tables = [Edit(path=path) for path in destination.paths]
    own = destination.paths[-1]
    lists = [Edit(path=own, key=manager, entries=items) for manager, items in added.items()]
    return (builder, *tables, *lists)


def _builder_edit(channels: tuple[str, ...], table: object) -> Edit:
    """Return the edit that adds the channels to the builder's table, or only the table."""
    path = ("builder", CONDA_BUILDER)
    if not channels:
        return Edit(path=path)
    names = channels
    if isinstance(table, dict) and "channels" not in table:
        names = (*DEFAULT_CHANNELS, *channels)  # a new list replaces the default
    entries = tuple(ListItem(text=name) for name in names)
    return Edit(path=path, key="channels", entries=entries, one_line=True)


def _new_tables(edits: Iterable[Edit], data: dict[str, Any]) -> tuple[str, ...]:
    paths = dict.fromkeys(edit.path for edit in edits)
    return tuple(f"[{'.'.join(path)}]" for path in paths if not _has_table(data, path))


def _has_table(data: object, path: TablePath) -> bool:
    for name in path:
        if not isinstance(data, dict) or name not in data:
            return False
        data = data[name]
    return True
