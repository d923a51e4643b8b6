"""Programs that install packages in build stages, locked like any other package."""

from collections.abc import Iterator

import msgspec

from orbiter.config.builders import MICROMAMBA, conda_options, conda_settings, installer_package
from orbiter.config.image_set import Builder, ImageSet
from orbiter.locking.work import LockRun
from orbiter.lockset.inputs import LOCK_FILES
from orbiter.lockset.model import Installer, RecordedWarning
from resolvers.conda.channels import parse_channel
from resolvers.types.packages import Pin

CHANGED_HINT = (
    "compare the images with those of the previous release; to keep the installer, restore the "
    "lock set from git and lock without --upgrade-package for it"
)


class NeededInstaller(msgspec.Struct, frozen=True):
    """An installer that stages need: its name, its manager, and a builder of such a stage."""

    name: str
    manager: str
    builder: Builder


def installers(run: LockRun, *, known_only: bool = False) -> tuple[Installer, ...]:
    """Return the installers of all stages for each platform, kept from the previous lock set.

    An upgrade replaces them. ``known_only`` leaves out those that need a query.
    """
    known: tuple[Installer, ...] = ()
    if run.previous and (known_only or not run.options.upgrade.everything):
        known = run.previous.manifest.installers
    result: list[Installer] = []
    for needed in _needed_installers(run.image_set):
        # npm's own package is the same on every platform.
        platforms = ("",) if needed.manager == "npm" else run.image_set.platforms
        for platform in platforms:
            kept = _kept(run, known, needed, platform)
            if kept or not known_only:
                pin = kept or _resolved_pin(run, needed, platform)
                result.append(Installer(platform=platform, pin=pin))
    return tuple(result)


def installer_warnings(
    run: LockRun, installers: tuple[Installer, ...]
) -> tuple[RecordedWarning, ...]:
    """Return a warning for each installer that changed, and those of earlier runs that still hold.

    ``--upgrade`` replaces all installers on purpose, so it warns of none.
    """
    if run.previous is None or run.options.upgrade.everything:
        return ()
    before = {(each.pin.name, each.platform): each.pin for each in run.previous.manifest.installers}
    warnings = set()
    kept_names = set()
    for installer in installers:
        pin, old = installer.pin, before.get((installer.pin.name, installer.platform))
        if old == pin:
            kept_names.add(pin.name)
        elif old:
            warnings.add(_changed(old, pin))
    # Warnings are about one release: the next one starts with the changed installer.
    if run.previous.manifest.release == run.image_set.version:
        earlier = run.previous_warnings("", "")
        warnings |= {warning for warning in earlier if warning.package in kept_names}
    return tuple(sorted(warnings))


def _changed(old: Pin, new: Pin) -> RecordedWarning:
    text = f"the installer changed from version {old.version} to {new.version}"
    if old.version == new.version:
        text = f"the installer changed to another file of version {new.version}"
    return RecordedWarning(package=new.name, text=text, hint=CHANGED_HINT)


def _kept(
    run: LockRun, known: tuple[Installer, ...], needed: NeededInstaller, platform: str
) -> Pin | None:
    for installer in known:
        same = (installer.pin.name, installer.platform) == (needed.name, platform)
        if same and _is_kept(run, installer, needed.builder):
            return installer.pin
    return None


def _is_kept(run: LockRun, installer: Installer, builder: Builder) -> bool:
    """Return whether an installer is not upgraded and its channel is still configured."""
    if installer.pin.name in run.options.upgrade.packages:
        return False
    if installer.pin.name != MICROMAMBA:
        return True
    source = installer.pin.artifact.source
    urls = [parse_channel(name).url for name in conda_settings(builder).channels]
    return any(source.startswith(f"{url}/") or f"/{url}/" in source for url in urls)


def _needed_installers(image_set: ImageSet) -> Iterator[NeededInstaller]:
    """Yield each installer that any stage needs once, in the order of managers and names."""
    needed: dict[str, NeededInstaller] = {}
    for stage in image_set.stages:
        for manager in stage.requirements:
            name = installer_package(image_set, stage.builder, manager)
            if name:
                needed[name] = NeededInstaller(name, manager, image_set.builders[stage.builder])
    order = list(LOCK_FILES)
    yield from sorted(needed.values(), key=lambda each: (order.index(each.manager), each.name))


def _resolved_pin(run: LockRun, needed: NeededInstaller, platform: str) -> Pin:
    # These modules are slow to import and rarely needed.
    from resolvers.conda import manager as conda
    from resolvers.npm import program
    from resolvers.pip.installers import installer

    if needed.name == "npm":
        return program.installer()
    if needed.name == MICROMAMBA:
        return conda.installer(conda_options(needed.builder), platform, run.as_of)
    return installer(needed.name, platform)
