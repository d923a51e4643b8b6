"""Changes between two lock sets by builder and manager, as ``orbiter lock`` prints them.

They are the changes of ``diff-locks``, so both commands count the same.
"""

from collections.abc import Collection, Iterable, Iterator

import msgspec

from orbiter.diff.compare import diff
from orbiter.diff.types import Change
from orbiter.lockfiles.lock_set import INSTALLERS, as_lock
from orbiter.lockfiles.types import Lock, PackageEntry, Scope
from orbiter.lockset.model import LockSet


class ManagerChanges(msgspec.Struct, frozen=True, kw_only=True):
    """The changes of one manager of one builder; ``count`` is its number of packages now.

    ``dropped`` is the number of packages that changed and that no image has now.
    ``added`` and ``removed`` are the images, with their platform, that only one lock set has. Their
    packages are not among the changes. The installers are like a builder of their own.
    """

    builder: str
    manager: str
    count: int
    dropped: int = 0
    changes: tuple[Change, ...] = ()
    added: tuple[Scope, ...] = ()
    removed: tuple[Scope, ...] = ()


def lock_set_changes(old: LockSet | None, new: LockSet) -> tuple[ManagerChanges, ...]:
    """Return the changes of each builder and manager with packages in either lock set."""
    after = _packages_of(new)
    if old:
        before = _packages_of(old)
    else:
        before = msgspec.structs.replace(after, packages=dict.fromkeys(after.packages, ()))
    all_changes = diff(before, after).changes
    return tuple(
        changes
        for builder, images in _images_by_builder(old, new).items()
        for changes in _by_manager(builder, images, (before, after), all_changes)
    )


def _packages_of(lock_set: LockSet) -> Lock:
    """Return the packages without the files that build the images, which follow from them."""
    lock = as_lock(lock_set, lock_set.manifest.release)
    return msgspec.structs.replace(lock, facts={}, lock_set=None)


def _images_by_builder(*lock_sets: LockSet | None) -> dict[str, set[str]]:
    """Return the names of all images, by builder, and the installers last."""
    images: dict[str, set[str]] = {}
    for lock_set in filter(None, lock_sets):
        for stage in lock_set.image_set.stages:
            images.setdefault(stage.builder, set()).add(stage.name)
    return {**dict(sorted(images.items())), INSTALLERS: {INSTALLERS}}


def _by_manager(
    builder: str, images: Collection[str], locks: tuple[Lock, Lock], changes: Iterable[Change]
) -> Iterator[ManagerChanges]:
    old, new = (_packages_by_manager(lock, images) for lock in locks)
    of_builder = [
        change
        for change in changes
        if any(occurrence.scope.environment in images for occurrence in change.where)
    ]
    for manager in sorted({**old, **new}):
        before, after = old.get(manager, {}), new.get(manager, {})
        names = {package.name for entries in after.values() for package in entries}
        of_manager = tuple(change for change in of_builder if change.manager == manager)
        yield ManagerChanges(
            builder=builder,
            manager=manager,
            count=len(names),
            dropped=len({change.name for change in of_manager} - names),
            changes=of_manager,
            added=_missing_in(locks[0], after),
            removed=_missing_in(locks[1], before),
        )


def _packages_by_manager(
    lock: Lock, images: Collection[str]
) -> dict[str, dict[Scope, list[PackageEntry]]]:
    packages: dict[str, dict[Scope, list[PackageEntry]]] = {}
    for scope, entries in lock.packages.items():
        if scope.environment in images:
            for entry in entries:
                packages.setdefault(entry.manager, {}).setdefault(scope, []).append(entry)
    return packages


def _missing_in(lock: Lock, scopes: Iterable[Scope]) -> tuple[Scope, ...]:
    return tuple(sorted(scope for scope in scopes if scope not in lock.packages))
