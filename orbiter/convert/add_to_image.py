"""Add the content of another tool's file to a stage in images.toml."""

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from orbiter.config.builders import system_manager
from orbiter.config.image_set import ImageSet
from orbiter.config.read import (
    image_set_of,
    incomplete_image_set_of,
    read_incomplete_image_set,
)
from orbiter.config.toml_edit import Edit, apply_edits
from orbiter.config.toml_format import ListItem, TablePath, inline_toml
from orbiter.convert.builder_keys import builder_edits, lost_order, new_channels
from orbiter.convert.destination import (
    Destination,
    builder_for,
    destination_of,
    image_name,
    new_builder_edits,
)
from orbiter.convert.duplicates import Lists, new_requirements
from orbiter.convert.fresh import fresh_builder, fresh_text
from orbiter.convert.outcome import Changed, ImportedRequirements, ImportOptions, LeftOut


class Addition(msgspec.Struct, frozen=True, kw_only=True):
    """Entries that were added to a list: the stage or the table that has it, and its key."""

    place: str
    key: str
    entries: tuple[str, ...]


class ImportResult(msgspec.Struct, frozen=True, kw_only=True):
    """The new text of images.toml, the additions in it and what was left out.

    ``tables`` and ``channels`` are those that were added, and ``new_image`` is the image, or "" if
    images.toml had it. ``is_new`` says that there was no images.toml, ``is_changed`` that the text
    is to be written, and ``is_empty`` that the file has nothing for the image.
    """

    text: str
    stage: str
    is_new: bool = False
    is_changed: bool = True
    is_empty: bool = False
    new_image: str = ""
    tables: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    added: tuple[Addition, ...]
    changed: tuple[Changed, ...] = ()
    left_out: tuple[LeftOut, ...]


def default_image(imported: ImportedRequirements) -> str:
    """Return the image of a new images.toml, whose builder has the managers of the packages."""
    return f"{builder_for(imported)}-base"


def read_options(images: Path, groups: Iterable[str] = (), *, direct: bool) -> ImportOptions:
    """Return the options of an import into images.toml, which may not exist yet."""
    platforms: tuple[str, ...] = ("linux/amd64",)
    if images.exists():
        platforms = read_incomplete_image_set(images).platforms
    return ImportOptions(
        platforms=platforms, root=images.parent, groups=frozenset(groups), direct=direct
    )


def add_to_image(
    imported: ImportedRequirements, source: Path, images: Path, name: str
) -> ImportResult:
    """Return images.toml with the content of a file in the stage ``name``; write nothing.

    Requirements go to the build stage if the image has one. A missing image is added with a build
    stage, and so is a missing images.toml. Existing entries are kept: a requirement whose package
    is already in the list is left out. Raises ExpectedError, and ConfigError if the new images.toml
    is not valid.
    """
    is_new = not images.exists()
    text, image_set = _start(imported, source, images, name)
    if not is_new:
        name = image_name(image_set, name, imported)
    destination = destination_of(image_set, name, imported)
    lists, duplicates = new_requirements(_supported(imported, destination), destination)
    data = tomllib.loads(text)
    edits, conflicts = _edits(imported, destination, lists, image_set, data)
    left_out = (*imported.left_out, *_unsupported(imported, destination))
    if imported.is_empty or not any(edit.key for edit in edits):
        # A new images.toml may already have everything, such as git.
        has_supported = bool(_supported(imported, destination))
        return ImportResult(
            text=text,
            stage=destination.name,
            is_new=is_new,
            is_changed=is_new and has_supported,
            is_empty=imported.is_empty or (is_new and not has_supported),
            added=(),
            left_out=(*left_out, *conflicts, *duplicates),
        )
    new = apply_edits(text, edits, str(images))
    image_set_of(new, images, f"{images} with {source}")
    order = lost_order(imported, image_set, destination.builder)
    return ImportResult(
        text=new,
        stage=destination.name,
        is_new=is_new,
        new_image="" if is_new or destination.has_image else destination.image,
        tables=() if is_new else _new_tables(edits, data),
        channels=new_channels(imported, image_set, destination.builder),
        added=tuple(_additions(edits, destination)),
        changed=imported.changed,
        left_out=(*left_out, *order, *conflicts, *duplicates),
    )


def _start(
    imported: ImportedRequirements, source: Path, images: Path, name: str
) -> tuple[str, ImageSet]:
    """Return the text to edit and its image set: that of images.toml, or a new one."""
    if images.exists():
        return images.read_bytes().decode("utf-8-sig"), read_incomplete_image_set(images)
    builder, _, image = name.removesuffix("-build").partition("-")
    destination_of(None, name, imported)  # raises an error for an unknown builder
    fresh = fresh_builder(
        builder, imported.python, imported.channels, node=bool(imported.requirements.get("npm"))
    )
    text = fresh_text(fresh, builder, image, source.resolve().name, images.parent)
    return text, incomplete_image_set_of(text, images, f"{images} with {source}")


def _supported(imported: ImportedRequirements, destination: Destination) -> Lists:
    managers = destination.managers
    return {name: items for name, items in imported.requirements.items() if name in managers}


def _unsupported(imported: ImportedRequirements, destination: Destination) -> Iterator[LeftOut]:
    for manager, items in imported.requirements.items():
        if manager not in destination.managers:
            why = f"the builder {destination.builder} installs {', '.join(destination.managers)}"
            yield from (LeftOut(what=f"{manager} '{item.text}'", why=why) for item in items)


def _edits(
    imported: ImportedRequirements,
    destination: Destination,
    lists: Lists,
    image_set: ImageSet,
    data: dict[str, Any],
) -> tuple[tuple[Edit, ...], list[LeftOut]]:
    """Return all edits, and what contradicts images.toml."""
    conflicts: list[LeftOut] = []
    has_content = bool(lists) or bool(imported.image) or bool(imported.files)
    edits = [*builder_edits(imported, destination.builder, image_set, data, conflicts)]
    if not has_content and not any(edit.key for edit in edits):
        return (), conflicts
    node = bool(lists.get("npm"))
    edits += new_builder_edits(destination, imported.python, node=node)
    edits += [Edit(path=path) for path in destination.paths]
    edits += destination.parent_edits
    own, final = destination.paths[-1], destination.paths[0]
    system = system_manager(destination.builder)
    for manager, items in lists.items():
        path = destination.system_path if manager == system else own
        edits.append(Edit(path=path, key=manager, entries=items))
    for key, names in imported.code.items():
        wanted = tuple(ListItem(text=name) for name in names)
        edits += _new_entries(data, own, key, wanted, one_line=True)
    for key, items in imported.image.items():
        edits += _new_entries(data, final, key, items, one_line=key == "entrypoint")
    for source, target in imported.files.items():
        files = (*final, "files")
        edits.append(Edit(path=files, key=source, value=(("to", target), ("mode", "0755"))))
    return tuple(edits), conflicts


def _new_entries(
    data: object, path: TablePath, key: str, items: tuple[ListItem, ...], *, one_line: bool
) -> Iterator[Edit]:
    """Yield the edit for the entries that a list does not have yet."""
    existing = _at(data, (*path, key)) or ()
    new = tuple(item for item in items if item.value not in existing)
    if new:
        yield Edit(path=path, key=key, entries=new, one_line=one_line)


def _additions(edits: Iterable[Edit], destination: Destination) -> Iterator[Addition]:
    stages = destination.stage_names
    for edit in edits:
        entries = tuple(_entry(item) for item in edit.entries)
        if edit.value:
            entries = (inline_toml(edit.value),)
        if entries and edit.key != "channels":
            place = stages.get(edit.path, ".".join(edit.path))
            yield Addition(place=place, key=edit.key, entries=entries)


def _entry(item: ListItem) -> str:
    return inline_toml(item.table) if item.table else item.text


def _new_tables(edits: Iterable[Edit], data: Mapping[str, Any]) -> tuple[str, ...]:
    paths = dict.fromkeys(edit.path for edit in edits)
    return tuple(f"[{'.'.join(path)}]" for path in paths if _at(data, path) is None)


def _at(data: object, path: TablePath) -> Any:
    """Return the value at a path; None if there is none."""
    for name in path:
        if not isinstance(data, dict) or name not in data:
            return None
        data = data[name]
    return data
