"""From stages and lock files to the packages that each stage installs. Pure."""

from collections.abc import Iterator, Mapping

import msgspec

from orbiter.config.builders import SYSTEM_MANAGERS, conda_settings, installer_package
from orbiter.config.image_set import ImageSet, Stage
from orbiter.config.requirements import package_name
from orbiter.config.stage_graph import ancestors, has_packages
from orbiter.lockset.downloads import LockedDownload
from orbiter.lockset.model import BuilderFacts, Installer
from orbiter.render.downloads import check_packages, placed_downloads
from orbiter.render.model import Plan, StagePlan, platform_slug
from orbiter.render.toolchain import with_toolchain
from resolvers.conda.explicit import format_explicit
from resolvers.errors import ExpectedError
from resolvers.managers import MANAGERS
from resolvers.npm import manager as npm
from resolvers.npm.inventory import installed_packages
from resolvers.pip import manager as pip
from resolvers.types.packages import LockFiles, Pin
from resolvers.types.request import Target

DEBCONF = "debconf.txt"
"""The file with the answers to questions of a stage's Debian packages."""

Locks = Mapping[str, LockFiles]
"""The lock files of one builder by manager."""
Pins = Mapping[str, tuple[Pin, ...]]
"""Packages on one platform by manager."""


def plan(
    image_set: ImageSet,
    *,
    epoch: int,
    bases: Mapping[str, Mapping[str, str]],
    locks: Mapping[str, Locks],
    targets: Mapping[str, tuple[Target, ...]],
    facts: Mapping[str, BuilderFacts],
    installers: tuple[Installer, ...],
    template: str = "",
    downloads: Mapping[str, Mapping[str, LockedDownload]] = {},
) -> Plan:
    """Return the packages that every stage installs on every platform.

    ``locks``, ``targets``, ``facts`` and ``downloads`` are by builder. ``template`` is the text of
    the own template. Raises ExpectedError if a stage lacks a package that its requirements imply.
    """
    stages = tuple(
        _plan_stage(
            _LockedStage(
                image_set=image_set,
                stage=stage,
                locks=locks[stage.builder],
                targets=targets[stage.builder],
                installers=installers,
                downloads=downloads.get(stage.builder, {}),
            )
        )
        for stage in image_set.stages
    )
    return Plan(
        image_set=image_set,
        release=image_set.version,
        epoch=epoch,
        bases=bases,
        facts=facts,
        template=template,
        stages=tuple(with_toolchain(image_set, stage, stages, bases) for stage in stages),
    )


class _LockedStage(msgspec.Struct, frozen=True, kw_only=True):
    """A stage with the lock files, targets, installers and downloads of its builder."""

    image_set: ImageSet
    stage: Stage
    locks: Locks
    targets: tuple[Target, ...]
    installers: tuple[Installer, ...]
    downloads: Mapping[str, LockedDownload]

    def requires(self, manager: str) -> bool:
        """Return whether the stage itself has requirements for a manager."""
        return has_packages(self.stage, manager)

    def inherited(self, manager: str) -> tuple[str, ...]:
        """Return the stages whose packages of a manager are inherited, nearest first."""
        return ancestors(self.image_set, self.stage, manager)

    def lineage(self, manager: str) -> tuple[str, ...]:
        """Return the stage and those of ``inherited``."""
        return (self.stage.name, *self.inherited(manager))

    def stages(self, manager: str) -> Iterator[Stage]:
        """Yield the stages of ``lineage``, in the order of the image set."""
        names = self.lineage(manager)
        return (stage for stage in self.image_set.stages if stage.name in names)


def _plan_stage(locked: _LockedStage) -> StagePlan:
    targets = {target.platform: target for target in locked.targets}
    installed = {name: _installed(locked, target) for name, target in targets.items()}
    added = {name: _added(locked, target, installed[name]) for name, target in targets.items()}
    _check_python_of_rattler(locked, installed)
    _check_apt_keys(locked, added)
    return StagePlan(
        stage=locked.stage,
        pins=added,
        tools={name: _tools(locked, target) for name, target in targets.items()},
        build_pins={
            name: _build_pins(locked, target, added[name]) for name, target in targets.items()
        },
        files=_npm_files(locked)
        | _build_requirements(locked, added)
        | _explicit_files(locked)
        | _world_files(locked)
        | _debconf_files(locked),
        npm_scripts=_npm_scripts(locked),
        packages={
            name: _package_list(locked, target, installed[name]) for name, target in targets.items()
        },
        downloads=placed_downloads(locked.stage, tuple(targets), locked.downloads),
    )


def _installed(locked: _LockedStage, target: Target) -> dict[str, tuple[Pin, ...]]:
    """Return all packages in the finished stage."""
    return {
        manager: MANAGERS[manager].select(files, target, locked.lineage(manager))
        for manager, files in locked.locks.items()
    }


def _added(locked: _LockedStage, target: Target, installed: Pins) -> dict[str, tuple[Pin, ...]]:
    """Return the packages that the stage itself installs."""
    added = {}
    for manager, files in locked.locks.items():
        if not locked.requires(manager):
            continue
        inherited: set[Pin] = set()
        if manager != "npm":  # npm replaces the whole tree
            inherited.update(MANAGERS[manager].select(files, target, locked.inherited(manager)))
        added[manager] = tuple(pin for pin in installed[manager] if pin not in inherited)
    for manager in SYSTEM_MANAGERS:
        check_packages(added.get(manager, ()), locked.downloads)
    return added


def _check_python_of_rattler(locked: _LockedStage, installed: Mapping[str, Pins]) -> None:
    """Raise ExpectedError if rattler lacks apt's Python, which it runs on before conda's exists."""
    settings = conda_settings(locked.image_set.builders[locked.stage.builder])
    if "conda" not in locked.stage.requirements or settings.installer != "rattler":
        return
    # apt does not lock packages of the base image, so a requirement counts too.
    required = set()
    for stage in locked.stages("apt"):
        for requirement in stage.requirements.get("apt", ()):
            required.add(package_name("apt", requirement))
    for pins in installed.values():
        names = {pin.name for pin in pins.get("apt", ())}
        if "python3" not in names | required:
            raise ExpectedError(
                f"images.toml: {locked.stage.name} installs conda packages with rattler,"
                " which needs Python from apt",
                'add "python3" to the apt list of this stage or one of its parents,'
                ' or set installer = "micromamba"',
            )


def _check_apt_keys(locked: _LockedStage, added: Mapping[str, Pins]) -> None:
    """Raise ExpectedError if apt installs nothing in a stage with keys for its packages."""
    if any(pins.get("apt") for pins in added.values()):
        return
    for key in ("debconf", "normalize"):
        if getattr(locked.stage, key):
            raise ExpectedError(
                f"images.toml: {key} of {locked.stage.name} has no effect:"
                " the stages below already install all of its apt packages",
                "move it to the stage that installs them",
            )


def _tools(locked: _LockedStage, target: Target) -> tuple[Pin, ...]:
    """Return the installers that the stage needs on a platform."""
    stage = locked.stage
    names = {
        installer_package(locked.image_set, stage.builder, manager)
        for manager in stage.requirements
    }
    pins = []
    for installer in locked.installers:
        # An installer without a platform, such as npm, runs on all of them.
        if installer.pin.name in names and installer.platform in ("", target.platform):
            pins.append(installer.pin)
    return tuple(pins)


def _builds_sdists(added: Pins) -> bool:
    return any(not pin.artifact.file.endswith(".whl") for pin in added.get("pip", ()))


def _build_pins(locked: _LockedStage, target: Target, added: Pins) -> tuple[Pin, ...]:
    return pip.build_pins(locked.locks["pip"], target) if _builds_sdists(added) else ()


def _build_requirements(locked: _LockedStage, added: Mapping[str, Pins]) -> dict[str, str]:
    name = "build-requirements.txt"
    if not any(map(_builds_sdists, added.values())) or name not in locked.locks["pip"]:
        return {}
    return {name: locked.locks["pip"][name]}


def _npm_files(locked: _LockedStage) -> dict[str, str]:
    if not locked.requires("npm"):
        return {}
    return dict(npm.stage_files(locked.locks["npm"], locked.lineage("npm")))


def _npm_scripts(locked: _LockedStage) -> tuple[str, ...]:
    """Return the npm packages whose install scripts run.

    Those of the parents are included, because npm installs the parents' packages again.
    """
    if not locked.requires("npm"):
        return ()
    names: set[str] = set()
    for stage in locked.stages("npm"):
        names.update(stage.sources.get("npm", ()))
    files, lineage = locked.locks["npm"], locked.lineage("npm")
    for target in locked.targets:
        missing = sorted(names - npm.installed_names(files, target, lineage))
        if missing:
            raise ExpectedError(
                f"images.toml: npm-scripts of {locked.stage.name} names {missing[0]},"
                f" which npm does not install on {target.platform}",
                "correct the name, or remove it",
            )
    return tuple(sorted(names))


def _explicit_files(locked: _LockedStage) -> dict[str, str]:
    """Return the explicit files of the stage's conda packages, one per platform."""
    if not locked.requires("conda"):
        return {}
    files, names = locked.locks["conda"], locked.lineage("conda")
    inherited = locked.inherited("conda")
    return {
        f"conda-{platform_slug(target.platform)}.txt": format_explicit(
            files, target, names, inherited
        )
        for target in locked.targets
    }


def _world_files(locked: _LockedStage) -> dict[str, str]:
    """Return apk's worlds after the stage, one per platform."""
    if not locked.requires("apk"):
        return {}
    from resolvers.apk import manager as apk

    files, names = locked.locks["apk"], locked.lineage("apk")
    return {
        f"apk-{platform_slug(target.platform)}.world": apk.world(files, target, names)
        for target in locked.targets
    }


def _debconf_files(locked: _LockedStage) -> dict[str, str]:
    """Return the answers to questions of the stage's Debian packages."""
    if not locked.stage.debconf:
        return {}
    return {DEBCONF: "".join(f"{answer}\n" for answer in locked.stage.debconf)}


def _package_list(
    locked: _LockedStage, target: Target, installed: Pins
) -> tuple[tuple[str, str, str], ...]:
    """Return all packages in the finished stage, also those inside other npm tarballs."""
    packages: set[tuple[str, str, str]] = set()
    for manager, pins in installed.items():
        packages.update((manager, pin.name, pin.version) for pin in pins)
    if "npm" in installed:
        in_tree = installed_packages(locked.locks["npm"], target, locked.lineage("npm"))
        packages.update(("npm", package.name, package.version) for package in in_tree)
    return tuple(sorted(packages))
