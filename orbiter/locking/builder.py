"""Solving one builder: each manager's engine, side by side where one need not wait for another."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import msgspec

from orbiter.config.builders import SYSTEM_MANAGERS, conda_options, conda_settings, system_manager
from orbiter.config.image_set import Builder
from orbiter.config.stage_graph import groups
from orbiter.locking.base_facts import below, of_base, provided
from orbiter.locking.python import check_pip, check_python, with_python
from orbiter.locking.work import Part, Solved, Work, timestamp
from orbiter.lockset.inputs import inputs_digest, locked_files
from orbiter.lockset.model import BuilderFacts
from orbiter.lockset.targets import targets
from resolvers.errors import ExpectedError
from resolvers.managers import MANAGERS
from resolvers.types import (
    LockFiles,
    PipOptions,
    Request,
    Shell,
    SystemOptions,
    Target,
    Upgrade,
)


def solve_builder(work: Work, builder: Builder) -> Part:
    """Lock one builder: npm beside apk or apt, then conda for the glibc there, and pip for the Python that is there."""
    system = system_manager(builder.name)
    bases = work.bases.get(builder.base, {})
    shell = (
        work.doors.shell(builder.base, bases) if builder.base else work.doors.solver(builder.suite)
    )
    with ThreadPoolExecutor(max_workers=2) as pool:
        unknown = tuple(Target(platform=platform) for platform in work.image_set.platforms)
        by_npm = pool.submit(
            _manager, work, builder, "npm", BuilderFacts(), bases, unknown, shell, {}
        )
        by_system = _manager(work, builder, system, BuilderFacts(), bases, unknown, shell, {})
        kept = pool.submit(_keep, work, builder, system, by_system, shell)
        facts = _of_base(work, builder, by_system.files, shell if bases else None)
        by_conda = _manager(
            work, builder, "conda", facts, bases, targets(work.image_set, facts), shell, {}
        )
        for_pip = work.wanted("pip") and bool(groups(work.image_set, builder.name, "pip"))
        if for_pip and work.wanted(system) and (bases or by_system.files):
            check_python(work.image_set, builder.name, facts, by_system.files, by_conda.files)
        facts = with_python(work.image_set, builder, facts, by_conda.files, for_pip=for_pip)
        _check_pip(work, builder, by_conda.files)
        by_pip = _manager(
            work,
            builder,
            "pip",
            facts,
            bases,
            targets(work.image_set, facts),
            shell,
            by_conda.files,
        )
        kept.result()
        solved = {system: by_system, "conda": by_conda, "pip": by_pip, "npm": by_npm.result()}
    asked = {manager: part.inputs for manager, part in solved.items() if part.inputs}
    facts = msgspec.structs.replace(facts, inputs=asked)
    return Part(facts=facts, targets=targets(work.image_set, facts), solved=solved)


def _manager(
    work: Work,
    builder: Builder,
    manager: str,
    facts: BuilderFacts,
    bases: Mapping[str, str],
    at: tuple[Target, ...],
    shell: Shell,
    conda: LockFiles,
) -> Solved:
    """One manager's part: taken over where nothing was asked of it, else solved by its engine.

    ``conda`` are the lock files of conda that pip stands on.
    """
    asked = inputs_digest(work.image_set, builder, manager, facts, bases)
    files = locked_files(work.previous, builder.name, manager)
    known = work.previous.manifest.builders.get(builder.name) if work.previous else None
    before = known.inputs.get(manager, "") if known else ""
    if not work.wanted(manager):
        return Solved(files=files, inputs=before)
    if not asked:
        return Solved()
    if (
        files
        and asked == before
        and not _may_be_gone(work, manager)
        and not _moves(work, manager, files)
    ):
        return Solved(files=files, inputs=asked)
    tell = work.progress(f"{builder.name} {manager}")
    tell("solving")
    request = Request(
        groups=groups(work.image_set, builder.name, manager),
        targets=at,
        engine=engine_of(builder, manager),
        previous=files,
        upgrade=_upgrade_of(work, manager, files),
        as_of=work.as_of,
        progress=tell,
        system=SystemOptions(shell=shell, suite=builder.suite),
        conda=conda_options(builder),
        pip=PipOptions(
            provided=provided(work.image_set, builder.name, conda, at),
            parents=below(work.image_set, builder.name),
        ),
    )
    resolved = MANAGERS[manager].resolve(request)
    tell("")
    return Solved(files=resolved, inputs=asked, ran=True)


def _check_pip(work: Work, builder: Builder, conda: LockFiles) -> None:
    if not work.wanted("pip") or not groups(work.image_set, builder.name, "pip"):
        return
    if not conda and groups(work.image_set, builder.name, "conda"):
        raise ExpectedError(
            f"builder {builder.name}: pip stands on conda's packages, which are not locked",
            "lock them too: orbiter lock --only conda,pip",
        )
    check_pip(work.image_set, builder.name, conda)


def _of_base(work: Work, builder: Builder, locked: LockFiles, shell: Shell | None) -> BuilderFacts:
    known = work.previous.manifest.builders.get(builder.name) if work.previous else None
    if (
        known
        and work.wanted(system_manager(builder.name))
        and not _is_same_base(work, builder, known)
    ):
        known = None
    return of_base(work.image_set, builder.name, locked=locked, known=known, shell=shell)


def _is_same_base(work: Work, builder: Builder, known: BuilderFacts) -> bool:
    """Whether what is known holds on: nothing was upgraded, on the base image of before conda is asked for the same.

    What apk or apt had told goes when nothing is asked of them any more.
    """
    if (
        work.previous is None
        or work.options.upgrade.everything
        or system_manager(builder.name) in known.inputs
    ):
        return False
    bases = work.previous.manifest.bases.get(builder.base, {})
    asked = inputs_digest(work.image_set, builder, "conda", known, bases)
    return bases == work.bases.get(builder.base) and asked == known.inputs.get("conda", "")


def engine_of(builder: Builder, manager: str) -> str:
    """The engine that solves for a manager; the manager itself where it has but one."""
    return {"pip": builder.pip_engine, "conda": conda_settings(builder).engine}.get(
        manager, manager
    )


def _upgrade_of(work: Work, manager: str, files: LockFiles) -> Upgrade:
    """The part of an upgrade that concerns one manager."""
    asked = work.options.upgrade
    locked = names(manager, files) if asked.packages else set()
    packages = {name: version for name, version in asked.packages.items() if name in locked}
    return Upgrade(everything=asked.everything, packages=packages)


def _may_be_gone(work: Work, manager: str) -> bool:
    """Whether mirrors may have deleted what is locked: the next release shall not name what nobody has."""
    new = work.previous is not None and work.previous.manifest.release != work.image_set.version
    return new and manager in SYSTEM_MANAGERS


def _moves(work: Work, manager: str, files: LockFiles) -> bool:
    """Whether pins are to move though the requirements are the same."""
    upgrade = work.options.upgrade
    if upgrade.everything or (upgrade.packages and upgrade.packages.keys() & names(manager, files)):
        return True
    if manager in SYSTEM_MANAGERS or work.options.as_of is None or work.previous is None:
        return False
    return (
        timestamp(work.options.as_of) != work.previous.manifest.cutoff
        or not work.previous.manifest.as_of
    )


def _keep(work: Work, builder: Builder, manager: str, solved: Solved, shell: Shell) -> None:
    if not solved.ran:
        return
    names = tuple(group.name for group in groups(work.image_set, builder.name, manager))
    select, platforms = MANAGERS[manager].select, work.image_set.platforms
    pins = {
        platform: select(solved.files, Target(platform=platform), names) for platform in platforms
    }
    tell = work.progress(f"{builder.name} {manager} artifacts")
    work.doors.keep(manager, pins, shell, tell)
    tell("")


def names(manager: str, files: LockFiles) -> set[str]:
    """The names of the packages in one manager's lock files; of pip's but those that conda brings."""
    found = {package.name for package in MANAGERS[manager].read(files)} if files else set()
    if manager == "pip" and found:
        from resolvers.pip import pyproject

        return found - pyproject.provided_anywhere(files)
    return found
