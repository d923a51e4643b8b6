"""Resolving with an engine of pip, and the checks of the new lock."""

from collections.abc import Iterator
from functools import partial

import msgspec
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from resolvers.errors import ExpectedError, UnsolvableError
from resolvers.pip import (
    advice,
    build_requirements,
    conda_conflicts,
    direct,
    direct_lock,
    engines,
    other_indexes,
    provided,
    pyproject,
)
from resolvers.pip.engines import Engine
from resolvers.pip.locked_files import check_python, locked_files
from resolvers.pip.pip_tools_lock import missing_files
from resolvers.pip.selection import read, select
from resolvers.types.packages import LockFiles, Package, Pin
from resolvers.types.request import Request, Target, Upgrade


def resolve(request: Request) -> LockFiles:
    """Lock the pip requirements; see ``resolvers.pip.manager.resolve``."""
    if not any(group.requirements for group in request.groups):
        return {}
    _check_upgrade_versions(request.upgrade)
    conda_conflicts.check_request(request)
    engine = engines.engine(request.engine)
    request = direct_lock.with_direct_files(request)
    if _is_up_to_date(provided.only_constraining(request), engine):
        files = dict(request.previous)
        for warning in request.warnings:
            request.warn(warning)
    else:
        files = _lock(request, engine)
    packages_of = partial(_packages_of, engine, files)
    conda_conflicts.check_available(request, packages_of)
    conda_conflicts.check_lock(request, packages_of)
    return files


def _lock(request: Request, engine: Engine) -> dict[str, str]:
    direct_lock.prepare(request)
    previous: tuple[Package, ...] = ()
    if request.previous and not request.upgrade.everything:
        previous = read(request.previous)
    # An engine may keep the hash of a file in its lock, and the file may be another one now.
    if direct.render(direct.read(request.previous)) != direct.render(request.pip.direct):
        request = msgspec.structs.replace(request, previous=_without_lock(request, engine))
    files = dict(_lock_with_shared(request, engine, previous))
    if text := direct.render(request.pip.direct):
        files[direct.FILE] = text
    _check_upgraded(request.upgrade, engine.lock_format.read(files))
    pins = _pins(files, request)
    on_index = locked_files(pins, request.pip.indexes)
    check_python(request, on_index)
    names = tuple(group.name for group in request.groups)
    for warning in advice.warnings(request, on_index, partial(_for_groups, engine, files, names)):
        request.warn(warning)
    sdist_pins = {pin for pin in pins if not pin.artifact.file.endswith(".whl")}
    without_conda = provided.with_provided(request, ())  # sdists are built without conda's packages
    if text := build_requirements.lock(without_conda, sorted(sdist_pins)):
        files[build_requirements.FILE] = text
    of_indexes = {pin.name for pin in pins} | _build_names(files, request)
    for warning in other_indexes.warnings(request, sorted(of_indexes)):
        request.warn(warning)
    return files


def _build_names(files: LockFiles, request: Request) -> set[str]:
    """Return the names of the packages that building sdists needs."""
    return {
        pin.name for target in request.targets for pin in build_requirements.pins(files, target)
    }


def _without_lock(request: Request, engine: Engine) -> LockFiles:
    """Return the previous files without the engine's lock; the versions in it still count."""
    lock_file = engine.lock_format.FILE
    return {name: text for name, text in request.previous.items() if name != lock_file}


def _lock_with_shared(request: Request, engine: Engine, previous: tuple[Package, ...]) -> LockFiles:
    """Lock, and lock again until pip meets the requirements of all shared distributions.

    Only a lock shows which distributions are shared (see ``provided.shared``).
    """
    constrained = provided.only_constraining(request)
    shared: frozenset[str] = frozenset()
    while True:
        files = engine.solver.lock(constrained, previous, shared)
        packages_of = partial(_packages_of, engine, files)
        conda_conflicts.check_available(request, packages_of)
        now_shared = provided.shared(constrained, packages_of)
        if now_shared <= shared:
            return files
        shared |= now_shared


def _for_groups(
    engine: Engine, files: LockFiles, groups: tuple[str, ...], target: Target
) -> tuple[Package, ...]:
    normalised = frozenset(map(canonicalize_name, groups))
    return engine.lock_format.packages_for(files, target, normalised)


def _packages_of(
    engine: Engine, files: LockFiles, group: str, target: Target
) -> tuple[Package, ...]:
    return _for_groups(engine, files, (group,), target)


def _check_upgrade_versions(upgrade: Upgrade) -> None:
    for name, version in upgrade.packages.items():
        try:
            Version(version or "0")
        except InvalidVersion as error:
            raise ExpectedError(
                f"'{name}' cannot be upgraded to '{version}', which is not a valid version",
                "write the version as in 1.2.3",
            ) from error


def _is_up_to_date(request: Request, engine: Engine) -> bool:
    """Return whether the previous files are still an answer to the request."""
    previous = request.previous
    # With as_of, the previous lock may contain versions that were published later.
    if request.upgrade.everything or request.upgrade.packages or request.as_of:
        return False
    platforms = (target.platform for target in request.targets)
    if engine.lock_format.FILE not in previous or missing_files(previous, platforms):
        return False
    if previous.get(direct.FILE, "") != direct.render(request.pip.direct):
        return False
    locked = provided.only_locked(request, engine.lock_format.read(previous))
    shared = provided.shared(locked, partial(_packages_of, engine, previous))
    # pyproject.toml records everything the lock was solved for: compare it instead of solving.
    if previous.get(pyproject.FILE) != engine.solver.project(locked, shared):
        return False
    artifacts = (pin.artifact for pin in _pins(previous, request))
    builds_sdists = any(not artifact.file.endswith(".whl") for artifact in artifacts)
    return builds_sdists == (build_requirements.FILE in previous)


def _pins(files: LockFiles, request: Request) -> set[Pin]:
    """Return the pins of all stages and targets."""
    pins: set[Pin] = set()
    for target in request.targets:
        for stage in _stages(request):
            pins.update(select(files, target, stage))
    return pins


def _stages(request: Request) -> Iterator[tuple[str, ...]]:
    """Yield the groups to select together: each with its parents, or all if conda is not used.

    A stage installs an sdist only if conda does not provide the distribution there.
    """
    names = tuple(group.name for group in request.groups)
    if not request.pip.provided:
        yield names
        return
    for name in names:
        yield (name, *request.pip.parents.get(name, ()))


def _check_upgraded(upgrade: Upgrade, packages: tuple[Package, ...]) -> None:
    """Raise an error if the lock does not contain the packages of the upgrade."""
    for name, requested in upgrade.packages.items():
        normalised = canonicalize_name(name)
        versions = [package.version for package in packages if package.name == normalised]
        if not versions:
            raise ExpectedError(
                f"'{name}' cannot be upgraded: it is not in pip's lock",
                "name a package of the lock, or add it to a pip list first",
            )
        if requested and Version(requested) not in map(Version, versions):
            raise UnsolvableError(
                f"'{name}' stays at {', '.join(versions)}: "
                f"the requirements do not allow {requested}",
                f"change the requirements, or leave out --upgrade-package {name}=={requested}",
            )
