"""The programs that install packages in build stages, locked like any other package."""

from collections.abc import Iterator

from orbiter.config.builders import MICROMAMBA, conda_options, conda_settings, installer_package
from orbiter.config.image_set import Builder, ImageSet
from orbiter.locking.work import Work
from orbiter.lockset.inputs import LOCK_FILES
from orbiter.lockset.model import Installer
from resolvers.conda.channels import channel
from resolvers.types import Pin


def installers(work: Work, *, known_only: bool = False) -> tuple[Installer, ...]:
    """What the stages need for every platform; kept from the previous lock set unless upgraded.

    ``known_only`` leaves out what would have to be asked for.
    """
    known = work.previous.manifest.installers if work.previous else ()
    if work.options.upgrade.everything and not known_only:
        known = ()
    found: list[Installer] = []
    for name, manager, builder in _needed(work.image_set):
        for platform in work.image_set.platforms if manager != "npm" else ("",):
            old = [each for each in known if (each.pin.name, each.platform) == (name, platform)]
            old = [each for each in old if _stays(work, each, builder)]
            if old or not known_only:
                pin = old[0].pin if old else _pin(work, name, builder, platform)
                found.append(Installer(platform=platform, pin=pin))
    return tuple(found)


def _stays(work: Work, installer: Installer, builder: Builder) -> bool:
    """Whether an installer is still where it was, and is not to be upgraded."""
    name, source = installer.pin.name, installer.pin.artifact.source
    if name in work.options.upgrade.packages:
        return False
    urls = [channel(each).url for each in conda_settings(builder).channels]
    return name != MICROMAMBA or any(
        source.startswith(f"{url}/") or f"/{url}/" in source for url in urls
    )


def _needed(image_set: ImageSet) -> Iterator[tuple[str, str, Builder]]:
    """Each installer that any stage needs, once, with its manager and a builder of that stage."""
    seen = {
        installer_package(image_set, stage.builder, manager): (
            manager,
            image_set.builders[stage.builder],
        )
        for stage in image_set.stages
        for manager in stage.requirements
    }
    found = [(name, manager, builder) for name, (manager, builder) in seen.items() if name]
    yield from sorted(found, key=lambda each: (list(LOCK_FILES).index(each[1]), each[0]))


def _pin(work: Work, name: str, builder: Builder, platform: str) -> Pin:
    from resolvers.conda import manager as conda
    from resolvers.npm import program
    from resolvers.pip import manager as pip  # slow to import, and seldom needed

    if name == "npm":
        return program.installer()
    if name == MICROMAMBA:
        return conda.installer(conda_options(builder), platform, work.as_of)
    return pip.installer(name, platform)
