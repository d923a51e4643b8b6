"""Locks one builder: every manager's engine, in parallel as far as possible."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import msgspec

from orbiter.config.builders import system_manager
from orbiter.config.image_set import Builder
from orbiter.config.stage_graph import groups
from orbiter.locking.base_facts import base_facts
from orbiter.locking.python import check_conda_python, check_python, with_python
from orbiter.locking.request import request_for
from orbiter.locking.reuse import can_reuse, known_base_facts
from orbiter.locking.warnings import recorded_warnings
from orbiter.locking.work import LockedBuilder, LockedManager, LockRun
from orbiter.lockset.inputs import inputs_digest, locked_files
from orbiter.lockset.model import BuilderFacts
from orbiter.lockset.targets import targets
from resolvers.errors import ExpectedError
from resolvers.managers import MANAGERS
from resolvers.types import LockFiles, LockWarning, Shell, Target

NO_FACTS = BuilderFacts()
NO_FILES: LockFiles = {}


class _BuilderRun(msgspec.Struct, frozen=True, kw_only=True):
    """One builder in a run; ``bases`` holds its base image's digests by platform."""

    run: LockRun
    builder: Builder
    bases: Mapping[str, str]
    shell: Shell

    def has_requirements(self, manager: str) -> bool:
        """Return whether any stage of the builder has requirements for a manager."""
        return bool(groups(self.run.image_set, self.builder.name, manager))


def lock_builder(run: LockRun, builder: Builder) -> LockedBuilder:
    """Lock one builder.

    apk or apt resolves first, with npm in parallel. conda then resolves for the C library that
    they determined, and pip for the Python that conda, apk or apt determined.
    """
    builder_run = _start(run, builder)
    system_name = system_manager(builder.name)
    with ThreadPoolExecutor(max_workers=2) as pool:
        npm = pool.submit(_lock_manager, builder_run, "npm")
        system = _lock_manager(builder_run, system_name)
        stored = pool.submit(_store_artifacts, builder_run, system_name, system)
        facts = _base_facts(builder_run, system.files)
        conda = _lock_manager(builder_run, "conda", facts)
        facts = _facts_for_pip(builder_run, facts, system.files, conda.files)
        pip = _lock_manager(builder_run, "pip", facts, conda.files)
        stored.result()
        managers = {system_name: system, "conda": conda, "pip": pip, "npm": npm.result()}
    digests = {manager: locked.inputs for manager, locked in managers.items() if locked.inputs}
    facts = msgspec.structs.replace(facts, inputs=digests)
    return LockedBuilder(facts=facts, targets=targets(run.image_set, facts), managers=managers)


def _start(run: LockRun, builder: Builder) -> _BuilderRun:
    bases = run.bases.get(builder.base, {})
    if builder.base:
        shell = run.environment.base_shell(builder.base, bases)
    else:
        shell = run.environment.debian_shell(builder.suite)
    return _BuilderRun(run=run, builder=builder, bases=bases, shell=shell)


def _lock_manager(
    builder_run: _BuilderRun,
    manager: str,
    facts: BuilderFacts = NO_FACTS,
    conda_files: LockFiles = NO_FILES,
) -> LockedManager:
    """Lock one manager's packages, or take them from the previous lock set if nothing changed.

    ``conda_files`` are the lock files of conda that pip builds on.
    """
    run, builder = builder_run.run, builder_run.builder
    new_inputs = inputs_digest(run.image_set, builder, manager, facts, builder_run.bases)
    previous_files = locked_files(run.previous, builder.name, manager)
    previous_facts = run.previous_facts(builder.name) or BuilderFacts()
    previous_inputs = previous_facts.inputs.get(manager, "")
    kept = LockedManager(
        files=previous_files,
        inputs=previous_inputs,
        warnings=run.previous_warnings(builder.name, manager),
    )
    if not run.includes(manager):
        return kept
    if not new_inputs:
        return LockedManager()
    unchanged = previous_files and new_inputs == previous_inputs
    if unchanged and can_reuse(run, manager, previous_files):
        return kept
    resolved = _resolve(builder_run, manager, facts, previous_files, conda_files)
    return msgspec.structs.replace(resolved, inputs=new_inputs)


def _resolve(
    builder_run: _BuilderRun,
    manager: str,
    facts: BuilderFacts,
    previous_files: LockFiles,
    conda_files: LockFiles,
) -> LockedManager:
    """Run a manager's engine; the result has no digest of its inputs yet."""
    run, builder = builder_run.run, builder_run.builder
    warnings: list[LockWarning] = []
    report = run.start_task(f"{builder.name} {manager}")
    report("resolving")
    request = request_for(
        run,
        builder,
        manager,
        targets=targets(run.image_set, facts),
        previous=previous_files,
        conda_files=conda_files,
        shell=builder_run.shell,
        progress=report,
        warn=warnings.append,
    )
    files = MANAGERS[manager].resolve(request)
    report("")
    recorded = recorded_warnings(builder.name, manager, warnings)
    return LockedManager(files=files, resolved=True, warnings=recorded)


def _base_facts(builder_run: _BuilderRun, system_files: LockFiles) -> BuilderFacts:
    return base_facts(
        builder_run.run.image_set,
        builder_run.builder.name,
        system_files=system_files,
        known=known_base_facts(builder_run.run, builder_run.builder, builder_run.bases),
        shell=builder_run.shell if builder_run.bases else None,
    )


def _facts_for_pip(
    builder_run: _BuilderRun, facts: BuilderFacts, system_files: LockFiles, conda_files: LockFiles
) -> BuilderFacts:
    """Return the facts with the Python that pip resolves for, after checking that it exists."""
    run, builder = builder_run.run, builder_run.builder
    for_pip = run.includes("pip") and builder_run.has_requirements("pip")
    base_is_known = bool(builder_run.bases or system_files)
    if for_pip and run.includes(system_manager(builder.name)) and base_is_known:
        check_python(run.image_set, builder.name, facts, system_files, conda_files)
    facts = with_python(run.image_set, builder, facts, conda_files, for_pip=for_pip)
    if not for_pip:
        return facts
    if not conda_files and builder_run.has_requirements("conda"):
        raise ExpectedError(
            f"builder {builder.name}: pip needs conda's packages, which are not locked",
            "lock them too: orbiter lock --only conda,pip",
        )
    check_conda_python(run.image_set, builder.name, conda_files)
    return facts


def _store_artifacts(builder_run: _BuilderRun, manager: str, locked: LockedManager) -> None:
    """Put newly locked artifacts of apk or apt into the store."""
    if not locked.resolved:
        return
    run = builder_run.run
    names = tuple(group.name for group in groups(run.image_set, builder_run.builder.name, manager))
    select = MANAGERS[manager].select
    pins = {
        platform: select(locked.files, Target(platform=platform), names)
        for platform in run.image_set.platforms
    }
    report = run.start_task(f"{builder_run.builder.name} {manager} artifacts")
    run.environment.store_artifacts(manager, pins, builder_run.shell, report)
    report("")
