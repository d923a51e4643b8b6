"""From stages and lock files to what each stage installs. Pure."""

from collections.abc import Mapping

from orbiter.config.builders import conda_settings, installer_package
from orbiter.config.image_set import ImageSet, Stage
from orbiter.config.requirements import package_name
from orbiter.config.stage_graph import ancestors
from orbiter.lockset.model import Installer
from orbiter.render.model import Plan, StagePlan, platform_slug
from orbiter.render.toolchain import with_toolchain
from resolvers.conda.explicit import explicit
from resolvers.errors import ExpectedError
from resolvers.managers import MANAGERS
from resolvers.npm import manager as npm
from resolvers.pip import manager as pip
from resolvers.types import LockFiles, Pin, Target

Locks = Mapping[str, LockFiles]
"""The lock files of one builder by manager."""


def plan(
    image_set: ImageSet,
    *,
    epoch: int,
    bases: Mapping[str, Mapping[str, str]],
    locks: Mapping[str, Locks],
    targets: Mapping[str, tuple[Target, ...]],
    installers: tuple[Installer, ...],
) -> Plan:
    """What every stage installs on every platform, ready to be rendered; locks and targets go by builder."""
    stages = tuple(
        _stage_plan(image_set, stage, locks[stage.builder], targets[stage.builder], installers)
        for stage in image_set.stages
    )
    return Plan(
        image_set=image_set,
        release=image_set.version,
        epoch=epoch,
        bases=bases,
        stages=tuple(with_toolchain(image_set, each, stages, bases) for each in stages),
    )


def _check_installer(
    image_set: ImageSet, stage: Stage, present: Mapping[str, Mapping[str, tuple[Pin, ...]]]
) -> None:
    """rattler runs on the Python of apt, for there is none of conda yet."""
    if (
        "conda" not in stage.requirements
        or conda_settings(image_set.builders[stage.builder]).installer != "rattler"
    ):
        return
    below = {stage.name, *ancestors(image_set, stage, "apt")}
    lists = [each.requirements.get("apt", ()) for each in image_set.stages if each.name in below]
    asked = {package_name("apt", requirement) for each in lists for requirement in each}
    there = [{pin.name for pin in managers.get("apt", ())} | asked for managers in present.values()]
    if any(
        "python3" not in names for names in there
    ):  # what a base image has already, apt does not lock
        raise ExpectedError(
            f"images.toml: {stage.name} installs conda packages with rattler, which needs a Python of apt there",
            'add "python3" to an apt list of it or of one that it stands on, or choose installer = "micromamba"',
        )


def _stage_plan(
    image_set: ImageSet,
    stage: Stage,
    locks: Locks,
    targets: tuple[Target, ...],
    installers: tuple[Installer, ...],
) -> StagePlan:
    present = {
        t.platform: {m: _present(image_set, stage, m, f, t) for m, f in locks.items()}
        for t in targets
    }
    pins = {t.platform: _own(image_set, stage, locks, t, present[t.platform]) for t in targets}
    _check_installer(image_set, stage, present)
    return StagePlan(
        stage=stage,
        pins=pins,
        tools={t.platform: _tools(image_set, stage, t, installers) for t in targets},
        build_pins={t.platform: _build_pins(pins[t.platform], locks, t) for t in targets},
        files=_files(image_set, stage, locks, any(_builds(pins[t.platform]) for t in targets))
        | _explicit(image_set, stage, locks, targets)
        | _worlds(image_set, stage, locks, targets),
        npm_scripts=_npm_scripts(image_set, stage, present),
        packages={platform: _listed(managers) for platform, managers in present.items()},
    )


def _present(
    image_set: ImageSet, stage: Stage, manager: str, files: LockFiles, target: Target
) -> tuple[Pin, ...]:
    """All that is there once the stage is done."""
    names = (stage.name, *ancestors(image_set, stage, manager))
    return MANAGERS[manager].select(files, target, names)


def _own(
    image_set: ImageSet,
    stage: Stage,
    locks: Locks,
    target: Target,
    present: Mapping[str, tuple[Pin, ...]],
) -> dict[str, tuple[Pin, ...]]:
    """What the stage itself installs; npm replaces the whole tree, so there it is all of it."""
    own = {}
    for manager, files in locks.items():
        if not stage.requirements.get(manager):
            continue
        before = ancestors(image_set, stage, manager)
        there = set(MANAGERS[manager].select(files, target, before)) if manager != "npm" else set()
        own[manager] = tuple(pin for pin in present[manager] if pin not in there)
    return own


def _tools(
    image_set: ImageSet, stage: Stage, target: Target, installers: tuple[Installer, ...]
) -> tuple[Pin, ...]:
    wanted = {
        installer_package(image_set, stage.builder, manager) for manager in stage.requirements
    }
    return tuple(
        each.pin
        for each in installers
        if each.pin.name in wanted and each.platform in ("", target.platform)
    )


def _builds(own: Mapping[str, tuple[Pin, ...]]) -> bool:
    """Whether a stage builds one of its Python packages from an sdist."""
    return any(not pin.artifact.file.endswith(".whl") for pin in own.get("pip", ()))


def _build_pins(
    own: Mapping[str, tuple[Pin, ...]], locks: Locks, target: Target
) -> tuple[Pin, ...]:
    return pip.build_pins(locks["pip"], target) if _builds(own) else ()


def _npm_scripts(
    image_set: ImageSet, stage: Stage, present: Mapping[str, Mapping[str, tuple[Pin, ...]]]
) -> tuple[str, ...]:
    """The npm packages whose install scripts run in a stage: npm installs those of its parents anew."""
    if not stage.requirements.get("npm"):
        return ()
    names = {stage.name, *ancestors(image_set, stage, "npm")}
    asked = sorted(
        {
            name
            for each in image_set.stages
            if each.name in names
            for name in each.sources.get("npm", ())
        }
    )
    for platform, managers in present.items():
        for name in asked:
            if name not in {pin.name for pin in managers["npm"]}:
                raise ExpectedError(
                    f"images.toml: npm-scripts of {stage.name} names {name}, which npm does not install for {platform}",
                    "correct the name, or leave it out",
                )
    return tuple(asked)


def _files(image_set: ImageSet, stage: Stage, locks: Locks, builds: bool) -> dict[str, str]:
    files: dict[str, str] = {}
    if stage.requirements.get("npm"):
        files |= npm.stage_files(locks["npm"], (stage.name, *ancestors(image_set, stage, "npm")))
    if builds and "build-requirements.txt" in locks["pip"]:
        files["build-requirements.txt"] = locks["pip"]["build-requirements.txt"]
    return files


def _explicit(
    image_set: ImageSet, stage: Stage, locks: Locks, targets: tuple[Target, ...]
) -> dict[str, str]:
    """What conda installs in a stage, for each platform."""
    if not stage.requirements.get("conda"):
        return {}
    before = ancestors(image_set, stage, "conda")
    files, names = locks["conda"], (stage.name, *before)
    return {
        f"conda-{platform_slug(t.platform)}.txt": explicit(files, t, names, before) for t in targets
    }


def _worlds(
    image_set: ImageSet, stage: Stage, locks: Locks, targets: tuple[Target, ...]
) -> dict[str, str]:
    """What apk notes as asked for once a stage is done, for each platform."""
    if not stage.requirements.get("apk"):
        return {}
    from resolvers.apk import manager as apk

    names = (stage.name, *ancestors(image_set, stage, "apk"))
    return {
        f"apk-{platform_slug(t.platform)}.world": apk.world(locks["apk"], t, names) for t in targets
    }


def _listed(managers: Mapping[str, tuple[Pin, ...]]) -> tuple[tuple[str, str, str], ...]:
    return tuple(
        (manager, pin.name, pin.version)
        for manager in sorted(managers)
        for pin in managers[manager]
    )
