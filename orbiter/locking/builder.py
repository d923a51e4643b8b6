"""Locks one builder: every manager's engine, in parallel as far as possible."""

from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor

import msgspec

from orbiter.config.builders import system_manager
from orbiter.config.image_set import Builder
from orbiter.config.repositories import repository_addresses
from orbiter.config.stage_graph import groups
from orbiter.locking.base_facts import base_facts
from orbiter.locking.base_variables import base_variables, check_base_variables
from orbiter.locking.node import check_node
from orbiter.locking.overwrites import check_overwrites
from orbiter.locking.pip_rules import with_pip_rules
from orbiter.locking.python import check_conda_python, check_python, with_python
from orbiter.locking.request import request_for
from orbiter.locking.reuse import can_reuse, known_base_facts
from orbiter.locking.system_modules import system_module_warnings
from orbiter.locking.warnings import recorded_warnings
from orbiter.locking.work import LockedBuilder, LockedManager, LockRun
from orbiter.lockset.inputs import inputs_digest, locked_files
from orbiter.lockset.model import BuilderFacts
from orbiter.lockset.targets import targets
from orbiter.oci.base_image import BaseStart
from resolvers.errors import ExpectedError
from resolvers.managers import MANAGERS
from resolvers.pip import direct
from resolvers.types.options import Shell
from resolvers.types.packages import LockFiles
from resolvers.types.request import LockWarning, Target

NO_FACTS = BuilderFacts()
NO_FILES: LockFiles = {}
FIND_NODE = "command -v node || true"


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
        conda, pip = _checked_overwrites(builder_run, facts, conda, pip)
        managers = {system_name: system, "conda": conda, "pip": pip, "npm": npm.result()}
    _check_node(builder_run, managers)
    digests = {manager: locked.inputs for manager, locked in managers.items() if locked.inputs}
    facts = msgspec.structs.replace(facts, inputs=digests)
    # They depend on images.toml alone, so each run finds them again.
    modules = system_module_warnings(run.image_set, builder.name)
    return LockedBuilder(
        facts=facts,
        targets=targets(run.image_set, facts),
        managers=managers,
        warnings=recorded_warnings(builder.name, "", modules),
    )


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
    if unchanged and can_reuse(run, builder.name, manager, previous_files):
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
    files = MANAGERS[manager].resolve(
        with_pip_rules(request, run.image_set, builder, run.environment.read_own_file)
    )
    if manager == "pip":
        _store_direct_files(builder_run, files, report)
    report("")
    recorded = recorded_warnings(builder.name, manager, warnings)
    return LockedManager(files=files, resolved=True, warnings=recorded)


def _store_direct_files(
    builder_run: _BuilderRun, files: LockFiles, report: Callable[[str], None]
) -> None:
    """Put the files of pip that come from an address into the store."""
    if not (pins := direct.pins(files)):
        return
    by_platform = dict.fromkeys(builder_run.run.image_set.platforms, pins)
    environment = builder_run.run.environment
    environment.store_artifacts("pip", by_platform, builder_run.shell, {}, report)


def _checked_overwrites(
    builder_run: _BuilderRun, facts: BuilderFacts, conda: LockedManager, pip: LockedManager
) -> tuple[LockedManager, LockedManager]:
    """Check the files of the packages in ``/opt/env``, unless a previous run did; add warnings."""
    if not (conda.resolved or pip.resolved):
        return conda, pip
    run, builder = builder_run.run, builder_run.builder
    report = run.start_task(f"{builder.name} files")
    report("looking for files that several packages install")
    locks = {"conda": conda.files, "pip": pip.files}
    warnings = check_overwrites(
        run.image_set, builder, locks, targets(run.image_set, facts), report
    )
    report("")
    return (
        _with_warnings(conda, builder, "conda", warnings["conda"]),
        _with_warnings(pip, builder, "pip", warnings["pip"]),
    )


def _with_warnings(
    locked: LockedManager, builder: Builder, manager: str, warnings: list[LockWarning]
) -> LockedManager:
    recorded = recorded_warnings(builder.name, manager, warnings)
    return msgspec.structs.replace(locked, warnings=tuple(sorted({*locked.warnings, *recorded})))


def _base_facts(builder_run: _BuilderRun, system_files: LockFiles) -> BuilderFacts:
    facts = base_facts(
        builder_run.run.image_set,
        builder_run.builder.name,
        system_files=system_files,
        known=known_base_facts(builder_run.run, builder_run.builder, builder_run.bases),
        shell=builder_run.shell if builder_run.bases else None,
    )
    wanted = base_variables(builder_run.run.image_set, builder_run.builder.name)
    start = _base_start(builder_run, wanted)
    if builder_run.bases:
        check_base_variables(wanted, start.variables, builder_run.builder.base)
    return msgspec.structs.replace(
        facts,
        entrypoint=start.entrypoint,
        command=start.command,
        variables=tuple(name for name in start.variables if name in wanted),
    )


def _base_start(builder_run: _BuilderRun, wanted: Collection[str] = ()) -> BaseStart:
    """Return what the base image starts, from the previous lock set if it has the same image.

    ``wanted`` are the variables that the previous lock set must know for this.
    """
    run, base = builder_run.run, builder_run.builder.base
    digest = next(iter(builder_run.bases.values()), "")
    if not digest:
        return BaseStart()
    previous = run.previous_facts(builder_run.builder.name) or BuilderFacts()
    known = BaseStart(previous.entrypoint, previous.command, previous.variables)
    previous_bases = run.previous.manifest.bases.get(base, {}) if run.previous else {}
    is_same_image = digest in previous_bases.values() and set(wanted) <= set(known.variables)
    if is_same_image and (
        known != BaseStart() or not run.includes(system_manager(builder_run.builder.name))
    ):
        return known
    try:
        return run.environment.base_start(base, digest)
    except ExpectedError:
        # An earlier Orbiter did not record it, and then locking again needed no registry.
        if is_same_image:
            return known
        raise


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


def _check_node(builder_run: _BuilderRun, managers: Mapping[str, LockedManager]) -> None:
    """Raise ExpectedError if a stage has npm packages, but no Node.js."""
    run, builder = builder_run.run, builder_run.builder
    system_name = system_manager(builder.name)
    files = {manager: locked.files for manager, locked in managers.items()}
    base_is_known = bool(builder_run.bases or files[system_name])
    if not (run.includes("npm") and run.includes(system_name) and base_is_known):
        return
    resolved = any(locked.resolved for locked in managers.values())

    def base_has_node(platform: str) -> bool:
        if not builder_run.bases:
            return False
        # Without a new result, this was checked by an earlier run.
        return not resolved or bool(builder_run.shell(FIND_NODE, platform=platform).strip())

    check_node(run.image_set, builder.name, files, base_has_node)


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
    repositories = repository_addresses(run.image_set).get(manager, {})
    run.environment.store_artifacts(manager, pins, builder_run.shell, repositories, report)
    report("")
