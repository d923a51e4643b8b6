"""Changes of images.toml: adding, replacing and removing requirements. Pure."""

from collections.abc import Collection, Iterable, Mapping

import msgspec

from orbiter.config.image_set import ImageSet
from orbiter.config.lines import value_spans
from orbiter.config.mistakes import toml_literal
from orbiter.config.read import image_set_of
from orbiter.config.toml_format import ListItem
from orbiter.config.toml_lists import (
    add_list,
    append_items,
    list_path,
    remove_entry,
    replace_value,
)
from orbiter.edit.bounds import with_bound
from orbiter.edit.images_file import ImagesFile, StageRequirement
from resolvers.errors import ExpectedError


class RequirementChange(msgspec.Struct, frozen=True, kw_only=True):
    """A requirement that changes: added without ``old``, removed without ``new``.

    ``stages`` are those that get the change, and ``place`` is the path of the list in images.toml.
    """

    stages: tuple[str, ...]
    builder: str
    manager: str
    place: str
    old: str = ""
    new: str = ""


class Edited(msgspec.Struct, frozen=True, kw_only=True):
    """The new text of images.toml, what it means and the changes in it.

    ``kept`` are requirements that need no change, because images.toml already has them.
    """

    images_file: ImagesFile
    text: str
    image_set: ImageSet
    changes: tuple[RequirementChange, ...]
    kept: tuple[StageRequirement, ...] = ()

    @property
    def content(self) -> bytes:
        """The new bytes of the file."""
        return self.images_file.with_text(self.text)


def with_new(images_file: ImagesFile, text: str, change: RequirementChange) -> str:
    """Return the text with a requirement at the end of a stage's list."""
    table = images_file.tables[change.stages[0]]
    # The list may be one that an earlier change added, so the text counts, not the file on disk.
    if change.place in value_spans(text):
        return append_items(text, change.place, (ListItem(text=change.new),))
    return add_list(text, table, change.manager, (change.new,), str(images_file.path))


def with_replaced(text: str, entry: StageRequirement, requirement: str) -> str:
    """Return the text with another requirement in place of an entry."""
    key = ".requirement" if entry.in_table else ""
    return replace_value(text, entry.path + key, requirement)


def without(text: str, entries: Iterable[StageRequirement]) -> str:
    """Return the text without entries."""
    places = {(entry.list, entry.index) for entry in entries}
    for path, index in sorted(places, key=lambda place: (place[0], -place[1])):
        text = remove_entry(text, path, index)
    return text


def finish(
    images_file: ImagesFile,
    text: str,
    changes: tuple[RequirementChange, ...],
    kept: tuple[StageRequirement, ...] = (),
) -> Edited:
    """Return the edited file.

    Raises ConfigError if the new text is not valid, and ExpectedError if it does not mean what the
    changes say.
    """
    image_set = image_set_of(text, images_file.path, f"{images_file.path} with this change")
    for stage in image_set.stages:
        for manager in {change.manager for change in changes}:
            expected = _expected(images_file.image_set, stage.name, manager, changes)
            if set(stage.requirements.get(manager, ())) != expected:
                raise ExpectedError(
                    f"{images_file.path}: its lists have an unknown form, so it was not changed",
                    "edit the file yourself, then run orbiter lock",
                )
    return Edited(
        images_file=images_file, text=text, image_set=image_set, changes=changes, kept=kept
    )


def _expected(
    image_set: ImageSet, stage: str, manager: str, changes: Iterable[RequirementChange]
) -> set[str]:
    """Return the requirements of a stage after the changes."""
    stages = {each.name: each for each in image_set.stages}
    requirements = set(stages[stage].requirements.get(manager, ()))
    for change in changes:
        if stage in change.stages and change.manager == manager:
            requirements -= {change.old}
            requirements |= {change.new} - {""}
    return requirements


def own_place(images_file: ImagesFile, stage: str, manager: str) -> str:
    """Return the path of a stage's own list for a manager."""
    return list_path(images_file.tables[stage], manager)


def stages_of(images_file: ImagesFile, entry: StageRequirement) -> tuple[str, ...]:
    """Return the stages that have an entry for its manager; several have one of ``[sets]``."""
    return tuple(
        each.stage
        for each in images_file.entries
        if (each.path, each.manager) == (entry.path, entry.manager)
    )


def refuse_shared(
    images_file: ImagesFile, entry: StageRequirement, chosen: Collection[str]
) -> None:
    """Raise ExpectedError if an entry is in a set that also other stages use."""
    users = dict.fromkeys(each.stage for each in images_file.entries if each.path == entry.path)
    others = [stage for stage in users if stage not in chosen]
    if entry.is_shared and others:
        raise ExpectedError(
            f"'{entry.text}' is in the list {entry.list}, which is also used by "
            f"{', '.join(others)}",
            "choose these images too (--image), or edit the list yourself",
        )


def with_bounds(edited: Edited, versions: Mapping[RequirementChange, str]) -> Edited:
    """Return the edit with bounds in the requirements that only name a package.

    ``versions`` are the locked versions of the packages.
    """
    text = edited.text
    done = []
    for change in edited.changes:
        new = change.new
        if change in versions:
            new = with_bound(change.manager, change.new, versions[change])
            text = replace_value(text, _path_of(text, change), new)
        done.append(msgspec.structs.replace(change, new=new))
    return finish(edited.images_file, text, tuple(done), edited.kept)


def _path_of(text: str, change: RequirementChange) -> str:
    """Return the path of the text that a change wrote, which may be in an inline table."""
    literal = toml_literal(change.new)
    return next(
        path
        for path, span in value_spans(text).items()
        if path.startswith(f"{change.place}[") and text[span.start : span.end] == literal
    )
