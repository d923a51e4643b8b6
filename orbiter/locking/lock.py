"""orbiter lock: resolve everything once, into files that git keeps."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import msgspec

from orbiter import __version__
from orbiter.config import snapshot
from orbiter.config.builders import system_manager
from orbiter.config.image_set import ImageSet
from orbiter.locking import installers
from orbiter.locking.builder import engine_of, names, solve_builder
from orbiter.locking.work import Environment, LockOptions, Part, Work, timestamp
from orbiter.lockset import model
from orbiter.lockset.inputs import LOCK_FILES, locked_files, unlocked_parts
from orbiter.lockset.model import Installer, LockSet, Manifest
from orbiter.tasks import StartTask
from resolvers.errors import ExpectedError
from resolvers.types import LockFiles, Upgrade


def lock(
    image_set: ImageSet,
    previous: LockSet | None,
    options: LockOptions,
    doors: Environment,
    progress: StartTask,
) -> LockSet:
    """Lock an image set, starting from the pins of a previous lock set (of this release or the one before it).

    What was asked of a manager before and is locked already is taken over as it stands; nothing is written.
    Raises ExpectedError for what cannot be solved or reached.
    """
    work = Work(
        image_set=image_set,
        previous=previous,
        options=msgspec.structs.replace(
            options, upgrade=_as_locked(options.upgrade, image_set, previous)
        ),
        doors=doors,
        progress=progress,
        as_of=options.as_of or _kept_cutoff(image_set, previous),
    )
    bases = _bases(work)
    work = msgspec.structs.replace(work, bases=bases)
    with ThreadPoolExecutor(max_workers=len(image_set.builders) + 1) as pool:
        early = pool.submit(installers.installers, work) if not work.options.only else None
        parts = {
            name: pool.submit(solve_builder, work, builder)
            for name, builder in image_set.builders.items()
        }
        done = {name: part.result() for name, part in parts.items()}
        complete = not unlocked_parts(
            image_set, bases, {name: part.facts for name, part in done.items()}
        )
        # A part alone mostly builds nothing.
        programs = early.result() if early else installers.installers(work, known_only=not complete)
    return _assemble(work, bases, done, programs, complete)


def _kept_cutoff(image_set: ImageSet, previous: LockSet | None) -> datetime | None:
    """A cut-off that a person set stays with its release."""
    if (
        previous is None
        or not previous.manifest.as_of
        or previous.manifest.release != image_set.version
    ):
        return None
    return datetime.fromisoformat(previous.manifest.cutoff)


def _as_locked(upgrade: Upgrade, image_set: ImageSet, previous: LockSet | None) -> Upgrade:
    """The upgrade with each name spelled as the lock files spell it. Raises ExpectedError for one in none of them."""
    if not upgrade.packages:
        return upgrade
    from packaging.utils import canonicalize_name

    parts = [
        (manager, locked_files(previous, name, manager))
        for name in image_set.builders
        for manager in LOCK_FILES
    ]
    locked = {name for manager, files in parts for name in names(manager, files)}
    locked |= {each.pin.name for each in previous.manifest.installers} if previous else set()
    spelled = {
        name: name if name in locked else canonicalize_name(name) for name in upgrade.packages
    }
    unknown = sorted(name for name, found in spelled.items() if found not in locked)
    if unknown:
        raise ExpectedError(
            f"--upgrade-package: no lock file names {', '.join(unknown)}",
            "upgrade a package that is locked, or add it to images.toml",
        )
    packages = {spelled[name]: version for name, version in upgrade.packages.items()}
    return Upgrade(everything=upgrade.everything, packages=packages)


def _bases(work: Work) -> dict[str, dict[str, str]]:
    """The digest of every base image by reference and platform; pins are kept unless an upgrade was asked."""
    found: dict[str, dict[str, str]] = {}
    for reference in sorted(
        {builder.base for builder in work.image_set.builders.values() if builder.base}
    ):
        for platform in work.image_set.platforms:
            if digest := _base(work, reference, platform):
                found.setdefault(reference, {})[platform] = digest
    return found


def _base(work: Work, reference: str, platform: str) -> str:
    known = work.previous.manifest.bases if work.previous else {}
    pinned = known.get(reference, {}).get(platform, "")
    wanted = any(work.wanted(manager) for manager in _systems(work, reference))
    if not wanted or (pinned and not work.options.upgrade.everything):
        return pinned
    tell = work.progress("base image")
    tell(f"{reference} for {platform}")
    digest = work.doors.pin_base(reference, platform)
    tell("")
    return digest


def _systems(work: Work, reference: str) -> set[str]:
    """Whose packages are solved in a base image."""
    return {
        system_manager(name)
        for name, builder in work.image_set.builders.items()
        if builder.base == reference
    }


def _assemble(
    work: Work,
    bases: Mapping[str, Mapping[str, str]],
    parts: Mapping[str, Part],
    programs: tuple[Installer, ...],
    complete: bool,
) -> LockSet:
    """The lock set of all parts; the previous one itself where nothing was asked and nothing ran."""
    previous, image_set = work.previous, work.image_set
    ran = any(solved.ran for part in parts.values() for solved in part.solved.values())
    if previous and _is_same(work, previous, bases, parts, programs):
        return previous
    cutoff = timestamp(
        work.as_of or (work.options.now if ran or not previous else _moment(previous))
    )
    manifest = Manifest(
        release=image_set.version,
        cutoff=cutoff,
        as_of=work.as_of is not None,
        source_date_epoch=int(datetime.fromisoformat(cutoff).timestamp()),
        hermetic=not any(stage.network for stage in image_set.stages),
        tools=_tools(work, parts),
        bases=bases,
        builders={name: part.facts for name, part in parts.items()},
        installers=programs,
    )
    files = _lock_files(parts) | {model.SNAPSHOT: snapshot.dump(image_set)}
    if complete:
        files |= _rendered(work, manifest, parts)
    return model.seal(manifest, files)


def _lock_files(parts: Mapping[str, Part]) -> dict[str, str]:
    return {
        f"{name}/{file}": text
        for name, part in parts.items()
        for solved in part.solved.values()
        for file, text in solved.files.items()
    }


def _is_same(
    work: Work,
    previous: LockSet,
    bases: Mapping[str, Mapping[str, str]],
    parts: Mapping[str, Part],
    programs: tuple[Installer, ...],
) -> bool:
    """Whether this run came to what the previous lock set of the same release holds, cut-off included."""
    files = _lock_files(parts) | {model.SNAPSHOT: snapshot.dump(work.image_set)}
    before = {
        path: text
        for path, text in previous.files.items()
        if not path.startswith(f"{model.BUILD}/")
    }
    manifest = previous.manifest
    return (
        before == files
        and manifest.bases == bases
        and manifest.installers == programs
        and manifest.builders == {name: part.facts for name, part in parts.items()}
        and _kept_cutoff(work.image_set, previous) == work.as_of
    )


def _rendered(work: Work, manifest: Manifest, parts: Mapping[str, Part]) -> dict[str, str]:
    from orbiter.render import (
        dockerfile,  # slow to import, and not needed where nothing moved
        plan,
    )

    ready = plan.plan(
        work.image_set,
        epoch=manifest.source_date_epoch,
        bases=manifest.bases,
        locks={name: _locked_managers(part) for name, part in parts.items()},
        targets={name: part.targets for name, part in parts.items()},
        installers=manifest.installers,
    )
    return {f"{model.BUILD}/{path}": text for path, text in dockerfile.render(ready).items()}


def _locked_managers(part: Part) -> dict[str, LockFiles]:
    return {manager: solved.files for manager, solved in part.solved.items() if solved.files}


def _tools(work: Work, parts: Mapping[str, Part]) -> dict[str, str]:
    """Versions of what made the lock set: those of this run, and for what was taken over those of before."""
    tools = dict(work.previous.manifest.tools) if work.previous else {}
    tools["orbiter"] = __version__
    for name, part in parts.items():
        for manager, solved in part.solved.items():
            if solved.ran:
                engine = engine_of(work.image_set.builders[name], manager)
                tools[engine] = _engine_version(manager, engine, solved.files)
    return tools


def _engine_version(manager: str, engine: str, files: LockFiles) -> str:
    if manager in {"apk", "apt"}:
        from resolvers.apk import manager as apk
        from resolvers.apt import manager as apt

        return apk.solver_version(files) if manager == "apk" else apt.solver_version(files)
    if manager == "conda":
        from resolvers.conda import manager as conda

        return conda.tools(engine)[engine]
    from resolvers.npm import program
    from resolvers.pip import manager as pip

    return {**pip.TOOLS, **program.TOOLS}[engine]


def _moment(previous: LockSet) -> datetime:
    return datetime.fromisoformat(previous.manifest.cutoff)
