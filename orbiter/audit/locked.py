"""The image that a lock set describes: its stages and the packages in it."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from orbiter.assembly.assemble import BaseLayers
from orbiter.assembly.base_layers import base_layers
from orbiter.config.builders import SYSTEM_MANAGERS
from orbiter.config.image_set import NotebookUser, Stage
from orbiter.config.stage_graph import ancestors
from orbiter.lockset.inputs import locked_files
from orbiter.lockset.model import BuilderFacts, LockSet
from orbiter.lockset.targets import target_for
from orbiter.render.derived import Derived
from orbiter.render.lists import INSTALLER_MANAGERS
from orbiter.render.model import StagePlan
from orbiter.store.artifact_list import LockedFile, listed_source
from orbiter.store.store import Store
from resolvers.npm.inventory import InstalledPackage, installed_packages
from resolvers.types.packages import Pin
from resolvers.types.request import Target


class LockedPackage(msgspec.Struct, frozen=True, kw_only=True):
    """A package of the image, and its file in the store. ``stage`` installs it."""

    manager: str
    name: str
    version: str
    file: LockedFile
    stage: str

    @property
    def owner(self) -> str:
        """The package as reports have it: ``apt:libc6``."""
        return f"{self.manager}:{self.name}"


class LockedImage(msgspec.Struct, frozen=True, kw_only=True):
    """An image of a lock set on one platform.

    ``lineage`` are its stages, the lowest one first. ``environment`` are all stages that /opt/env
    comes from, parents first.
    """

    lock_set: LockSet
    derived: Derived
    platform: str
    lineage: tuple[StagePlan, ...]
    environment: tuple[StagePlan, ...]
    base: BaseLayers

    @property
    def stage(self) -> Stage:
        """The stage of the image."""
        return self.lineage[-1].stage

    @property
    def user(self) -> NotebookUser:
        """The notebook user."""
        return self.lock_set.image_set.user

    @property
    def facts(self) -> BuilderFacts:
        """The properties of the builder."""
        return self.lock_set.manifest.builders.get(self.stage.builder, BuilderFacts())

    @property
    def target(self) -> Target:
        """The properties of the image that decide which packages it has."""
        return target_for(self.facts, self.platform)

    @property
    def texts(self) -> Mapping[str, str]:
        """The files of the build folder by path: ``debian-core/Dockerfile``."""
        return self.derived.files

    @property
    def stages(self) -> tuple[StagePlan, ...]:
        """All stages that the image comes from, parents first."""
        names = {each.stage.name for each in (*self.lineage, *self.environment)}
        return tuple(each for each in self.derived.plan.stages if each.stage.name in names)

    def base_settings(self) -> Mapping[str, Any] | None:
        """Return the settings of the base image; None if there is no base image."""
        return (self.base.config.get("config") or {}) if self.base.layers else None

    def packages(self, manager: str) -> Iterator[LockedPackage]:
        """Yield the packages of a manager in the image, those of parents first."""
        stages = self.lineage if manager in SYSTEM_MANAGERS else self.environment
        with_pins = [each for each in stages if each.pins.get(self.platform, {}).get(manager)]
        # npm replaces the whole tree.
        for stage_plan in with_pins[-1:] if manager == "npm" else with_pins:
            for pin in stage_plan.pins[self.platform][manager]:
                yield _package(manager, pin, stage_plan.stage.name)

    def installers(self) -> Iterator[LockedPackage]:
        """Yield the programs that install packages of /opt/env."""
        for stage_plan in self.environment:
            for pin in stage_plan.tools.get(self.platform, ()):
                yield _package(INSTALLER_MANAGERS[pin.name], pin, stage_plan.stage.name)

    def npm_packages(self) -> tuple[InstalledPackage, ...]:
        """Return the npm packages of the image with their paths."""
        files = locked_files(self.lock_set, self.stage.builder, "npm")
        if not files:
            return ()
        names = tuple(each.stage.name for each in self.environment)
        return tuple(installed_packages(files, self.target, names))


def _package(manager: str, pin: Pin, stage: str) -> LockedPackage:
    artifact = pin.artifact
    return LockedPackage(
        manager=manager,
        name=pin.name,
        version=pin.version,
        file=LockedFile(
            path=f"{manager}/{artifact.file}",
            hash=artifact.hash,
            size=artifact.size,
            source=listed_source(manager, artifact.source),
        ),
        stage=stage,
    )


def locked_image(
    lock_set: LockSet, derived: Derived, stage: str, platform: str, store: Store
) -> LockedImage:
    """Return what a lock set says about the image of a stage.

    Raises ExpectedError if the store lacks the base image.
    """
    plans = {each.stage.name: each for each in derived.plan.stages}
    lineage = []
    name = stage
    while name:
        lineage.append(plans[name])
        name = plans[name].stage.parent
    names = {stage, *ancestors(lock_set.image_set, plans[stage].stage, "pip")}
    reference = lock_set.image_set.builders[plans[stage].stage.builder].base
    base = BaseLayers()
    if reference:
        base = base_layers(lock_set.manifest.bases[reference][platform], store)
    return LockedImage(
        lock_set=lock_set,
        derived=derived,
        platform=platform,
        lineage=tuple(lineage[::-1]),
        environment=tuple(each for each in derived.plan.stages if each.stage.name in names),
        base=base,
    )
