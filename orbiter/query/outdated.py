"""Newer versions of locked packages: ``orbiter outdated``."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Literal, get_args

import msgspec

from orbiter.config.builders import conda_options, pip_settings
from orbiter.config.image_set import Builder, ImageSet
from orbiter.config.indexes import package_indexes, used_indexes
from orbiter.config.requirements import has_address, locked_name
from orbiter.config.stage_graph import groups
from orbiter.diff.versions import compare_versions
from orbiter.documents import Document
from orbiter.lockfiles.types import PackageEntry
from orbiter.lockset.model import BuilderFacts, LockSet
from orbiter.lockset.targets import targets
from orbiter.query.packages import Selection, selected_packages, uncovered
from orbiter.tasks import Report, StartTask
from resolvers.errors import ExpectedError
from resolvers.types.options import NpmOptions, PipOptions
from resolvers.types.packages import Availability, AvailableVersion
from resolvers.types.request import Request

VersionState = Literal["outdated", "current", "not found", "not checked", "failed"]
"""``outdated``: a newer version exists; ``not found``: the index does not have the package;
``failed``: the index did not answer."""
STATES: tuple[VersionState, ...] = get_args(VersionState)
IN_CONTAINERS = ("apk", "apt")
"""The managers whose indexes are only read by the program itself."""
NOT_NEEDED = "the newest packages do not need it"
SystemVersions = Callable[[str, str, Report], Mapping[str, Availability]]
"""Returns the packages that apk or apt would lock now, for a builder and a manager."""
FindSystem = Callable[[], SystemVersions | str]
"""Returns the reason instead, if there is no Docker engine."""
FIXED = "images.toml names the address of its file"


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """A version, and the time of its release; None if the index does not state it."""

    version: str
    time: datetime | None = None


class VersionedPackage(msgspec.Struct, frozen=True, kw_only=True):
    """A locked package and the versions in its index.

    ``allowed`` is the newest version that the requirements in images.toml allow; it is None for a
    package that images.toml does not request. ``newest`` is the newest of all. ``reason`` explains
    a package that was not checked.
    """

    manager: str
    name: str
    builder: str
    images: tuple[str, ...]
    direct: bool
    locked: str
    state: VersionState
    allowed: Version | None = None
    newest: Version | None = None
    reason: str = ""


class Outdated(Document, frozen=True, kw_only=True):
    """The packages of a release and their newest versions.

    ``notes`` list what no lock file lists.
    """

    release: str
    packages: tuple[VersionedPackage, ...]
    notes: tuple[str, ...] = ()

    def count(self, state: VersionState) -> int:
        """Return the number of packages in a state."""
        return sum(package.state == state for package in self.packages)


class _Locked(msgspec.Struct, frozen=True, kw_only=True):
    """A package as a builder's lock file has it."""

    builder: str
    entry: PackageEntry
    images: tuple[str, ...]
    direct: bool


def outdated(
    lock_set: LockSet,
    selection: Selection,
    start_task: StartTask,
    find_system: FindSystem,
    *,
    everything: bool = False,
) -> Outdated:
    """Ask the indexes for the newest versions of the packages that images.toml requests.

    With ``everything``, of all packages. ``find_system`` is called if there are packages
    of apk or apt. An index that does not answer is the state of its
    packages.
    """
    locked = [each for each in _locked(lock_set, selection) if everything or each.direct]
    by_lock: dict[tuple[str, str], list[_Locked]] = {}
    for each in locked:
        by_lock.setdefault((each.builder, each.entry.manager), []).append(each)

    def check(key: tuple[str, str]) -> list[VersionedPackage]:
        report = start_task(f"{key[0]} {key[1]}")
        try:
            if key[1] in IN_CONTAINERS:
                return list(_checked_in_container(key, by_lock[key], find_system, report))
            return list(_checked(lock_set, key, by_lock[key], report))
        finally:
            report("")

    with ThreadPoolExecutor() as pool:
        found = list(pool.map(check, by_lock))
    packages = [package for of_lock in found for package in of_lock]
    return Outdated(
        release=lock_set.manifest.release,
        packages=tuple(sorted(packages, key=_order)),
        notes=uncovered(lock_set, selection),
    )


def _order(package: VersionedPackage) -> tuple[str, str, str, str]:
    return package.manager, package.name, package.builder, package.locked


def _locked(lock_set: LockSet, selection: Selection) -> Iterator[_Locked]:
    """Yield the packages of each builder's selected images once, with the images."""
    builders = {stage.name: stage.builder for stage in lock_set.image_set.stages}
    found: dict[tuple[str, str, str, str], list[tuple[str, PackageEntry]]] = {}
    for scope, entries in selected_packages(lock_set, selection).items():
        for entry in entries:
            key = builders[scope.environment], entry.manager, entry.name, entry.version
            found.setdefault(key, []).append((scope.environment, entry))
    for key, places in found.items():
        yield _Locked(
            builder=key[0],
            entry=places[0][1],
            images=tuple(dict.fromkeys(image for image, _ in places)),
            direct=any(entry.direct for _, entry in places),
        )


def _checked(
    lock_set: LockSet, key: tuple[str, str], locked: list[_Locked], report: Report
) -> Iterator[VersionedPackage]:
    """Yield the packages of one lock with the versions in their index."""
    builder, manager = key
    request = _request(lock_set, builder, manager)
    fixed = _fixed(manager, request)
    names = tuple(sorted({each.entry.name for each in locked} - fixed))
    report(f"looking up {len(names):,} packages")
    found = _newest(manager, request, names) if names else {}
    for each in locked:
        if each.entry.name in fixed:
            yield _package(each, "not checked", reason=FIXED)
        else:
            yield _compared(each, found[each.entry.name])


def _checked_in_container(
    key: tuple[str, str], locked: list[_Locked], find_system: FindSystem, report: Report
) -> Iterator[VersionedPackage]:
    """Yield the packages of apk or apt with the versions that an upgrade would lock."""
    builder, manager = key
    system = find_system()
    if isinstance(system, str):
        reason = f"{manager} resolves in a container: {system}"
        yield from (_package(each, "not checked", reason=reason) for each in locked)
        return
    report("resolving")
    try:
        found = system(builder, manager, report)
    except ExpectedError as error:
        reason = error.message.splitlines()[0]
        yield from (_package(each, "failed", reason=reason) for each in locked)
        return
    for each in locked:
        if available := found.get(each.entry.name):
            yield _compared(each, available)
        else:
            yield _package(each, "not checked", reason=NOT_NEEDED)


def _fixed(manager: str, request: Request) -> frozenset[str]:
    """Return the packages whose requirement names an address, so that no index has others."""
    return frozenset(
        locked_name(manager, requirement)
        for group in request.groups
        for requirement in group.requirements
        if has_address(manager, requirement)
    )


def _request(lock_set: LockSet, builder: str, manager: str) -> Request:
    """Return the request of locking, without what only a solve needs."""
    image_set = lock_set.image_set
    facts = lock_set.manifest.builders.get(builder, BuilderFacts())
    return Request(
        groups=groups(image_set, builder, manager),
        targets=targets(image_set, facts),
        conda=conda_options(image_set.builders[builder]),
        pip=_pip_options(image_set, image_set.builders[builder]),
        npm=NpmOptions(registries=image_set.npm_registries or {}),
    )


def _pip_options(image_set: ImageSet, builder: Builder) -> PipOptions:
    settings = pip_settings(builder)
    return PipOptions(
        indexes=used_indexes(image_set, builder.name),
        sources=package_indexes(image_set, builder.name),
        priority=settings.index_priority,
        constraints=settings.constraints,
        overrides=settings.overrides,
    )


def _newest(manager: str, request: Request, names: tuple[str, ...]) -> Mapping[str, Availability]:
    if manager == "conda":
        from resolvers.conda import newest as conda

        return conda.newest_versions(request, names)
    if manager == "npm":
        from resolvers.npm import newest as npm

        return npm.newest_versions(request, names)
    from resolvers.pip import newest as pip

    return pip.newest_versions(request, names)


def _compared(locked: _Locked, available: Availability) -> VersionedPackage:
    if available.problem:
        return _package(locked, "failed", reason=available.problem)
    if available.newest is None:
        return _package(locked, "not found", reason="the index does not have it")
    entry = locked.entry
    allowed = available.allowed if locked.direct else None
    versions = [each.version for each in (allowed, available.newest) if each]
    orders = [compare_versions(entry.manager, entry.version, each) for each in versions]
    # A version without a known order is another one, so it is not called current.
    is_newer = any(order is None or order < 0 for order in orders)
    return _package(
        locked,
        "outdated" if is_newer else "current",
        allowed=_version(allowed),
        newest=_version(available.newest),
    )


def _version(available: AvailableVersion | None) -> Version | None:
    return available and Version(version=available.version, time=available.time)


def _package(
    locked: _Locked,
    state: VersionState,
    *,
    allowed: Version | None = None,
    newest: Version | None = None,
    reason: str = "",
) -> VersionedPackage:
    entry = locked.entry
    return VersionedPackage(
        manager=entry.manager,
        name=entry.name,
        builder=locked.builder,
        images=locked.images,
        direct=locked.direct,
        locked=entry.version,
        state=state,
        allowed=allowed,
        newest=newest,
        reason=reason,
    )
