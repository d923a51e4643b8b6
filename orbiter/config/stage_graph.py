"""Which requirements of which stages are solved together, and what a stage finds there already. Pure."""

from orbiter.config.image_set import ImageSet, Stage
from resolvers.types import Group

ENVIRONMENT_MANAGERS = ("conda", "pip", "npm")
"""Managers that install into ``/opt/env``, which a final stage receives from its build stage."""


def builder_stages(image_set: ImageSet, builder: str) -> tuple[Stage, ...]:
    """The stages of a builder, parents first."""
    return tuple(stage for stage in image_set.stages if stage.builder == builder)


def ancestors(image_set: ImageSet, stage: Stage, manager: str) -> tuple[str, ...]:
    """The stages whose packages of this manager are there before the stage installs its own, nearest first."""
    stages = {each.name: each for each in image_set.stages}
    found: list[str] = []
    waiting = _before(stage, manager)
    while waiting:
        name = waiting.pop(0)
        if name not in found:
            found.append(name)
            waiting += _before(stages[name], manager)
    return tuple(found)


def _before(stage: Stage, manager: str) -> list[str]:
    inherited = [stage.parent]
    if manager in ENVIRONMENT_MANAGERS:
        inherited.append(stage.build)
    return [name for name in inherited if name]


def stages_with_pip(image_set: ImageSet, builder: str) -> tuple[Stage, ...]:
    """The stages of a builder that have packages of pip: their own, of what they stand on, or received."""
    asking = {
        stage.name for stage in builder_stages(image_set, builder) if stage.requirements.get("pip")
    }
    return tuple(
        stage
        for stage in builder_stages(image_set, builder)
        if not asking.isdisjoint({stage.name, *ancestors(image_set, stage, "pip")})
    )


def groups(image_set: ImageSet, builder: str, manager: str) -> tuple[Group, ...]:
    """The requirements of a builder for one manager: a group a stage that has any, parents first."""
    asking = [
        stage for stage in builder_stages(image_set, builder) if stage.requirements.get(manager)
    ]
    names = {stage.name for stage in asking}
    return tuple(
        Group(
            name=stage.name,
            requirements=stage.requirements[manager],
            parents=tuple(name for name in ancestors(image_set, stage, manager) if name in names),
            sources=stage.sources.get(manager, ()),
        )
        for stage in asking
    )
