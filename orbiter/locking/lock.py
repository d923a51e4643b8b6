"""Locks an image set: resolves everything once, into files that git keeps."""

from concurrent.futures import Future, ThreadPoolExecutor

import msgspec

from orbiter.config.builders import system_manager
from orbiter.config.image_set import ImageSet
from orbiter.locking.assemble import assemble
from orbiter.locking.builder import lock_builder
from orbiter.locking.downloads import lock_downloads, recorded_downloads
from orbiter.locking.installers import installers
from orbiter.locking.own_files import own_file_texts
from orbiter.locking.packages import locked_names
from orbiter.locking.reuse import kept_cutoff
from orbiter.locking.work import Environment, LockOptions, LockRun
from orbiter.lockset.inputs import LOCK_FILES, locked_files, unlocked_parts
from orbiter.lockset.model import Installer, LockSet
from orbiter.tasks import StartTask
from resolvers.errors import ExpectedError
from resolvers.types.request import Upgrade


def lock(
    image_set: ImageSet,
    previous: LockSet | None,
    options: LockOptions,
    environment: Environment,
    start_task: StartTask,
) -> LockSet:
    """Lock an image set; nothing is written.

    ``previous`` is the lock set of the same release or of the one before; its pins are the
    starting point, and unchanged parts are reused. Raises ExpectedError if something cannot be
    resolved or reached.
    """
    upgrade = _with_locked_names(options.upgrade, image_set, previous)
    run = LockRun(
        image_set=image_set,
        previous=previous,
        options=msgspec.structs.replace(options, upgrade=upgrade),
        environment=environment,
        start_task=start_task,
        as_of=options.as_of or kept_cutoff(image_set, previous),
        own_files=own_file_texts(image_set, environment),
    )
    bases, downloads = _base_digests(run), lock_downloads(run)
    return _locked(msgspec.structs.replace(run, bases=bases, downloads=downloads))


def _locked(run: LockRun) -> LockSet:
    """Return the lock set of a run; the builders are locked at the same time."""
    image_set = run.image_set
    with ThreadPoolExecutor(max_workers=len(image_set.builders) + 1) as pool:
        early: Future[tuple[Installer, ...]] | None = None
        if not run.options.only:
            early = pool.submit(installers, run)
        running = {
            name: pool.submit(lock_builder, run, builder)
            for name, builder in image_set.builders.items()
        }
        builders = {name: future.result() for name, future in running.items()}
        facts = {name: locked.facts for name, locked in builders.items()}
        complete = not unlocked_parts(image_set, run.bases, facts)
        # A partial lock set cannot be built, so its missing installers can wait.
        programs = early.result() if early else installers(run, known_only=not complete)
    return assemble(run, builders, programs, complete=complete)


def _with_locked_names(upgrade: Upgrade, image_set: ImageSet, previous: LockSet | None) -> Upgrade:
    """Return the upgrade with each name spelled as in the lock files.

    Raises ExpectedError for a name that no lock file contains.
    """
    if not upgrade.packages:
        return upgrade
    from packaging.utils import canonicalize_name

    locked = _all_locked_names(image_set, previous)
    packages: dict[str, str] = {}
    unknown: list[str] = []
    for name, version in upgrade.packages.items():
        spelling = name if name in locked else canonicalize_name(name)
        packages[spelling] = version
        if spelling not in locked:
            unknown.append(name)
    if unknown:
        raise ExpectedError(
            f"--upgrade-package: {', '.join(sorted(unknown))} not found in any lock file",
            "upgrade a locked package, or add the package to images.toml",
        )
    return Upgrade(everything=upgrade.everything, packages=packages)


def _all_locked_names(image_set: ImageSet, previous: LockSet | None) -> set[str]:
    names = set(recorded_downloads(previous))
    if previous is None:
        return names
    for builder in image_set.builders:
        for manager in LOCK_FILES:
            names |= locked_names(manager, locked_files(previous, builder, manager))
    return names | {installer.pin.name for installer in previous.manifest.installers}


def _base_digests(run: LockRun) -> dict[str, dict[str, str]]:
    """Return the digest of every base image by reference and platform.

    Digests of the previous lock set are kept unless everything is upgraded.
    """
    digests: dict[str, dict[str, str]] = {}
    references = {builder.base for builder in run.image_set.builders.values() if builder.base}
    for reference in sorted(references):
        for platform in run.image_set.platforms:
            digest = _base_digest(run, reference, platform)
            if digest:
                digests.setdefault(reference, {})[platform] = digest
    return digests


def _base_digest(run: LockRun, reference: str, platform: str) -> str:
    pinned = ""
    if run.previous:
        pinned = run.previous.manifest.bases.get(reference, {}).get(platform, "")
    needed = any(run.includes(manager) for manager in _managers_in_base(run, reference))
    if not needed or (pinned and not run.options.upgrade.everything):
        return pinned
    report = run.start_task("base image")
    report(f"{reference} for {platform}")
    digest = run.environment.pin_base(reference, platform)
    report("")
    return digest


def _managers_in_base(run: LockRun, reference: str) -> set[str]:
    """Return the system managers that resolve inside a base image."""
    return {
        system_manager(name)
        for name, builder in run.image_set.builders.items()
        if builder.base == reference
    }
