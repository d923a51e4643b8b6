"""Assembles the lock set of a run from its locked builders."""

from collections.abc import Mapping
from datetime import datetime

import msgspec

from orbiter import __version__
from orbiter.config.snapshot import dump
from orbiter.locking.installers import installer_warnings
from orbiter.locking.request import engine_of
from orbiter.locking.reuse import kept_cutoff
from orbiter.locking.warnings import all_warnings
from orbiter.locking.work import LockedBuilder, LockRun, timestamp
from orbiter.lockset.downloads import all_downloads
from orbiter.lockset.model import (
    ASSEMBLY,
    BUILD,
    SNAPSHOT,
    Installer,
    LockSet,
    Manifest,
    RecordedWarning,
    seal,
)
from orbiter.lockset.own_files import template_text
from resolvers.types.packages import LockFiles


def assemble(
    run: LockRun,
    builders: Mapping[str, LockedBuilder],
    installers: tuple[Installer, ...],
    *,
    complete: bool,
) -> LockSet:
    """Return the lock set of a run; the previous one itself if nothing changed.

    Only a complete lock set has a build folder.
    """
    image_set = run.image_set
    if run.previous and _is_unchanged(run, run.previous, builders, installers):
        return _with_own_build(run, run.previous, builders, complete=complete)
    cutoff = timestamp(_cutoff(run, builders))
    manifest = Manifest(
        release=image_set.version,
        cutoff=cutoff,
        as_of=run.as_of is not None,
        source_date_epoch=int(datetime.fromisoformat(cutoff).timestamp()),
        hermetic=not any(stage.network for stage in image_set.stages),
        tools=_tool_versions(run, builders),
        bases=run.bases,
        builders={name: locked.facts for name, locked in builders.items()},
        installers=installers,
        warnings=_warnings(run, builders, installers),
    )
    files = _own_files(run, builders)
    if complete:
        files |= _build_folder(run, manifest, builders)
        manifest = _with_templates(manifest)
    return seal(manifest, files)


def only_build_folder_differs(before: LockSet, after: LockSet) -> bool:
    """Return whether two lock sets have the same lock files, but other build folders."""
    return before.root != after.root and _without_build(before) == _without_build(after)


def _without_build(lock_set: LockSet) -> dict[str, str]:
    files = lock_set.files
    return {path: text for path, text in files.items() if not path.startswith(f"{BUILD}/")}


def _with_own_build(
    run: LockRun, previous: LockSet, builders: Mapping[str, LockedBuilder], *, complete: bool
) -> LockSet:
    """Return the previous lock set, with another build folder if Orbiter renders another one."""
    manifest, files = previous.manifest, _own_files(run, builders)
    if complete:
        files |= _build_folder(run, manifest, builders)
        manifest = _with_templates(manifest)
    if files == previous.files and manifest == previous.manifest:
        return previous
    return seal(manifest, files)


def _with_templates(manifest: Manifest) -> Manifest:
    from orbiter.render.version import template_version

    return msgspec.structs.replace(manifest, assembly=ASSEMBLY, templates=template_version())


def _cutoff(run: LockRun, builders: Mapping[str, LockedBuilder]) -> datetime:
    """Return when the packages were chosen: now, unless every pin comes from the previous lock."""
    if run.as_of:
        return run.as_of
    resolved = any(
        manager.resolved for locked in builders.values() for manager in locked.managers.values()
    )
    if resolved or not run.previous:
        return run.options.now
    return datetime.fromisoformat(run.previous.manifest.cutoff)


def _own_files(run: LockRun, builders: Mapping[str, LockedBuilder]) -> dict[str, str]:
    """Return the lock files, the snapshot of images.toml and small own files, by path."""
    files = {SNAPSHOT: dump(run.image_set), **run.own_files, **run.downloads}
    for name, locked in builders.items():
        for manager in locked.managers.values():
            files |= {f"{name}/{file}": text for file, text in manager.files.items()}
    return files


def _is_unchanged(
    run: LockRun,
    previous: LockSet,
    builders: Mapping[str, LockedBuilder],
    installers: tuple[Installer, ...],
) -> bool:
    """Return whether the run leads to the previous lock set of this release, with its cut-off."""
    facts = {name: locked.facts for name, locked in builders.items()}
    manifest = previous.manifest
    return (
        _without_build(previous) == _own_files(run, builders)
        and manifest.bases == run.bases
        and manifest.installers == installers
        and manifest.builders == facts
        and manifest.warnings == _warnings(run, builders, installers)
        and kept_cutoff(run.image_set, previous) == run.as_of
    )


def _warnings(
    run: LockRun, builders: Mapping[str, LockedBuilder], installers: tuple[Installer, ...]
) -> tuple[RecordedWarning, ...]:
    return tuple(sorted((*all_warnings(builders), *installer_warnings(run, installers))))


def _build_folder(
    run: LockRun, manifest: Manifest, builders: Mapping[str, LockedBuilder]
) -> dict[str, str]:
    # Slow to import, and not needed for a partial lock set.
    from orbiter.render import dockerfile
    from orbiter.render.derived import check_own_template
    from orbiter.render.plan import plan

    build_plan = plan(
        run.image_set,
        epoch=manifest.source_date_epoch,
        bases=manifest.bases,
        locks={name: _lock_files(locked) for name, locked in builders.items()},
        targets={name: locked.targets for name, locked in builders.items()},
        facts=manifest.builders,
        installers=manifest.installers,
        template=template_text(run.image_set, run.own_files),
        downloads=all_downloads(run.downloads, run.image_set.builders),
    )
    files = dockerfile.render(build_plan)
    check_own_template(build_plan, files)
    return {f"{BUILD}/{path}": text for path, text in files.items()}


def _lock_files(locked: LockedBuilder) -> dict[str, LockFiles]:
    """Return the lock files of each manager that has any."""
    return {name: manager.files for name, manager in locked.managers.items() if manager.files}


def _tool_versions(run: LockRun, builders: Mapping[str, LockedBuilder]) -> dict[str, str]:
    """Return the versions of Orbiter and of each engine; for reused lock files, those recorded."""
    tools = dict(run.previous.manifest.tools) if run.previous else {}
    tools["orbiter"] = __version__
    for name, locked in builders.items():
        for manager, result in locked.managers.items():
            if result.resolved:
                engine = engine_of(run.image_set.builders[name], manager)
                tools[engine] = _engine_version(manager, engine, result.files)
    return tools


def _engine_version(manager: str, engine: str, files: LockFiles) -> str:
    if manager == "apk":
        from resolvers.apk import manager as apk

        return apk.solver_version(files)
    if manager == "apt":
        from resolvers.apt import manager as apt

        return apt.solver_version(files)
    if manager == "conda":
        from resolvers.conda import manager as conda

        return conda.tools(engine)[engine]
    if manager == "npm":
        from resolvers.npm import program

        return program.version()
    from resolvers.pip.engines import ENGINES

    return ENGINES[engine].version
