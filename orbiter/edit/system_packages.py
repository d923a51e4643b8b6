"""Packages of the system with the names of requirements that Orbiter gave to another manager. Pure.

Programs such as htop and tree are Debian packages, and pip's index has unrelated packages with
these names.
"""

import re
from collections.abc import Iterator

from orbiter.config import stage_graph
from orbiter.config.builders import SYSTEM_MANAGERS, system_manager
from orbiter.config.requirements import locked_name
from orbiter.edit.bounds import is_bare
from orbiter.edit.changes import Edited, RequirementChange
from orbiter.locking.packages import locked_packages
from orbiter.lockset.inputs import locked_files
from orbiter.lockset.model import LockSet
from resolvers.errors import ExpectedError

DISTRIBUTIONS = {"apk": "an Alpine", "apt": "a Debian"}


def namesakes(edited: Edited, locked: LockSet | None) -> tuple[tuple[str, str], ...]:
    """Return a problem and its remedy for each new name that a system package of the image has."""
    return tuple(dict.fromkeys(_namesakes(edited, locked)))


def _namesakes(edited: Edited, locked: LockSet | None) -> Iterator[tuple[str, str]]:
    for change in _names(edited):
        system = system_manager(change.builder)
        stages = _stages(edited, change, system)
        for package in locked_packages(system, locked_files(locked, change.builder, system)):
            if package.name == change.new and not stages.isdisjoint(package.groups):
                name, kind = change.new, f"{DISTRIBUTIONS[system]} package"
                problem = f"'{name}' in {change.place} is also {kind} of the image"
                yield problem, _remedy(system)


def _names(edited: Edited) -> Iterator[RequirementChange]:
    """Yield the new requirements that are names alone, and not for packages of the system."""
    for change in edited.changes:
        is_name = is_bare(change.manager, change.new) and not change.old
        if is_name and change.manager not in SYSTEM_MANAGERS:
            yield change


def _stages(edited: Edited, change: RequirementChange, manager: str) -> set[str]:
    """Return the image of a change with its build stage, and all that they start from."""
    named = [
        stage
        for stage in edited.image_set.stages
        if stage.name in change.stages or stage.build in change.stages
    ]
    lists = [stage_graph.ancestors(edited.image_set, stage, manager) for stage in named]
    return {stage.name for stage in named}.union(*lists)


def _remedy(system: str) -> str:
    return f"for {DISTRIBUTIONS[system]} package use --manager {system}"


def with_remedy(error: ExpectedError, edited: Edited) -> ExpectedError:
    """Return the error of a failed lock that names such a requirement with this remedy, too."""
    text = f"{error.message} {error.hint}"
    named = [change for change in _names(edited) if _mentions(text, change)]
    remedies = dict.fromkeys(_remedy(system_manager(change.builder)) for change in named)
    return ExpectedError(error.message, "\n  ".join(filter(None, (error.hint, *remedies))))


def _mentions(text: str, change: RequirementChange) -> bool:
    names = {change.new, locked_name(change.manager, change.new)}
    return any(re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w-])", text) for name in names)
