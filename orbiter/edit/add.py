"""Add requirements to images.toml, or replace those for the same packages. Pure."""

import re

from orbiter.config.requirements import SYNTAXES
from orbiter.edit import changes
from orbiter.edit.bounds import is_bare
from orbiter.edit.changes import Edited, RequirementChange
from orbiter.edit.images_file import ImagesFile, StageRequirement, shown
from orbiter.edit.managers import manager_of
from orbiter.edit.stages import EditTarget
from resolvers.errors import ExpectedError


def add(
    images_file: ImagesFile,
    requirements: tuple[str, ...],
    targets: tuple[EditTarget, ...],
    manager: str = "",
) -> Edited:
    """Return images.toml with requirements in the lists of images.

    A requirement for a package that a list already has replaces the old one, unless it names only
    the package. Raises ExpectedError for an invalid requirement, and for one in a set that other
    images use.
    """
    text = images_file.text
    chosen = {stage for target in targets for stage in target.stages}
    done: list[RequirementChange] = []
    kept: dict[str, StageRequirement] = {}
    for target in targets:
        for requirement in _checked(images_file, requirements, target, manager):
            entry = _listed(images_file, target, *requirement)
            if entry and _is_met(entry, requirement[1]):
                kept.setdefault(entry.path, entry)
                continue
            if entry:
                changes.refuse_shared(images_file, entry, chosen)
            change = _change(images_file, target, *requirement, entry)
            if change in done:
                continue  # two of the images share the list
            done.append(change)
            if entry:
                text = changes.with_replaced(text, entry, change.new)
            else:
                text = changes.with_new(images_file, text, change)
    return changes.finish(images_file, text, tuple(done), tuple(kept.values()))


def _checked(
    images_file: ImagesFile, requirements: tuple[str, ...], target: EditTarget, manager: str
) -> list[tuple[str, str]]:
    """Return the requirements with their managers, each package once."""
    entries = [entry for entry in images_file.entries if entry.stage in target.stages]
    seen: dict[tuple[str, str], str] = {}
    checked = []
    for written in requirements:
        requirement = written.strip()
        chosen = manager or manager_of(requirement, target.stage.builder, entries)
        syntax = SYNTAXES[chosen]
        name = syntax.name(requirement)
        if name is None or re.match(r"@[^/]*$", requirement):
            raise ExpectedError(
                f"{shown(requirement)} is not a valid {chosen} requirement; "
                f"expected {syntax.expected}",
                syntax.hint(requirement) + _other_managers(manager),
            )
        if other := seen.get((chosen, name)):
            raise ExpectedError(
                f"'{requirement}' and '{other}' are for the same package", "name it once"
            )
        seen[chosen, name] = requirement
        checked.append((chosen, requirement))
    return checked


def _other_managers(manager: str) -> str:
    return "" if manager else "\n  or name another manager: --manager NAME"


def _listed(
    images_file: ImagesFile, target: EditTarget, manager: str, requirement: str
) -> StageRequirement | None:
    """Return the entry for the same package that an image already has."""
    name = SYNTAXES[manager].name(requirement)
    for stage in target.stages:
        for entry in images_file.entries:
            if (entry.stage, entry.manager, entry.name) == (stage, manager, name):
                return entry
    return None


def _is_met(entry: StageRequirement, requirement: str) -> bool:
    """Return whether an entry already has what a requirement asks for."""
    return entry.text == requirement or is_bare(entry.manager, requirement)


def _change(
    images_file: ImagesFile,
    target: EditTarget,
    manager: str,
    requirement: str,
    entry: StageRequirement | None,
) -> RequirementChange:
    builder = target.stage.builder
    if entry is None:
        stage = target.stage_for(manager)
        place = changes.own_place(images_file, stage, manager)
        return RequirementChange(
            stages=(stage,), builder=builder, manager=manager, place=place, new=requirement
        )
    return RequirementChange(
        stages=changes.stages_of(images_file, entry),
        builder=builder,
        manager=manager,
        place=entry.list,
        old=entry.text,
        new=requirement,
    )
