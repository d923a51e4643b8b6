"""The graph of stages: what a stage inherits, and which requirements are resolved together."""

from msgspec import UNSET

from orbiter.config.builders import system_manager
from orbiter.config.image_set import ImageSet, Stage
from orbiter.config.runtime import NO_SETTINGS, Runtime, inherit
from resolvers.types.request import Group

ENVIRONMENT_MANAGERS = ("conda", "pip", "npm")
"""Managers that install into ``/opt/env``, which a final stage receives from its build stage."""


def builder_stages(image_set: ImageSet, builder: str) -> tuple[Stage, ...]:
    """Return the stages of a builder, parents first."""
    return tuple(stage for stage in image_set.stages if stage.builder == builder)


def ancestors(image_set: ImageSet, stage: Stage, manager: str) -> tuple[str, ...]:
    """Return the stages whose packages of a manager a stage inherits, nearest first."""
    stages = {stage.name: stage for stage in image_set.stages}
    inherited: list[str] = []  # a breadth-first search, so the nearest stages come first
    queue = _parents(stage, manager)
    while queue:
        name = queue.pop(0)
        if name not in inherited:
            inherited.append(name)
            queue += _parents(stages[name], manager)
    return tuple(inherited)


def _parents(stage: Stage, manager: str) -> list[str]:
    names = [stage.parent]
    if manager in ENVIRONMENT_MANAGERS:
        names.append(stage.build)
    return [name for name in names if name]


def runtime_of(image_set: ImageSet, stage: Stage) -> Runtime:
    """Return the settings of a stage's containers, with those that it inherits."""
    own = stage.runtime or NO_SETTINGS
    parent = next((other for other in image_set.stages if other.name == stage.parent), None)
    return own if parent is None else inherit(runtime_of(image_set, parent), own)


def has_packages(stage: Stage, manager: str) -> bool:
    """Return whether a stage itself has packages of a manager, from an index or an address."""
    if stage.requirements.get(manager):
        return True
    is_own = manager == system_manager(stage.builder)
    return is_own and any(each.is_package for each in stage.downloads or ())


def stages_with(image_set: ImageSet, builder: str, manager: str) -> tuple[Stage, ...]:
    """Return the stages of a builder that have packages of a manager, own or inherited ones."""
    stages = builder_stages(image_set, builder)
    own = {stage.name for stage in stages if has_packages(stage, manager)}
    return tuple(
        stage
        for stage in stages
        if not own.isdisjoint({stage.name, *ancestors(image_set, stage, manager)})
    )


def groups(image_set: ImageSet, builder: str, manager: str) -> tuple[Group, ...]:
    """Return a builder's requirements for a manager: a group per stage with packages."""
    stages = [stage for stage in builder_stages(image_set, builder) if has_packages(stage, manager)]
    names = {stage.name for stage in stages}
    return tuple(
        Group(
            name=stage.name,
            requirements=stage.requirements.get(manager, ()),
            parents=tuple(name for name in ancestors(image_set, stage, manager) if name in names),
            sources=stage.sources.get(manager, ()),
            recommends=stage.recommends if manager == "apt" else UNSET,
        )
        for stage in stages
    )
