"""Filters that reduce locks, or the changes between them, to the requested ones."""

from collections.abc import Collection

from msgspec.structs import replace

from orbiter.diff import transport
from orbiter.diff.suggest import SCOPE_FACTS
from orbiter.diff.types import Change, Diff, Fact
from orbiter.lockfiles.types import Lock, PackageEntry, Scope
from resolvers.errors import ExpectedError


def restrict_lock(
    lock: Lock,
    *,
    images: Collection[str] = (),
    platforms: Collection[str] = (),
    managers: Collection[str] = (),
) -> Lock:
    """Return a lock with only these images (or environments), platforms and managers.

    An empty filter matches all. A restricted lock has no facts: they belong to the whole lock.
    """
    if not (images or platforms or managers):
        return lock

    def is_selected(scope: Scope) -> bool:
        is_image = not images or scope.environment in images
        return is_image and (not platforms or scope.platform in platforms)

    packages = {
        scope: _of_managers(packages, managers)
        for scope, packages in lock.packages.items()
        if is_selected(scope)
    }
    return replace(lock, packages=packages, facts={}, lock_set=None)


def _of_managers(
    packages: tuple[PackageEntry, ...], managers: Collection[str]
) -> tuple[PackageEntry, ...]:
    if not managers:
        return packages
    return tuple(package for package in packages if package.manager in managers)


def check_names(
    locks: tuple[Lock, Lock], *, images: Collection[str], platforms: Collection[str]
) -> None:
    """Raise ExpectedError for an image or a platform that neither lock has."""
    scopes = {scope for lock in locks for scope in lock.packages}
    _check_known("image", images, {scope.environment for scope in scopes})
    _check_known("platform", platforms, {scope.platform for scope in scopes})


def _check_known(kind: str, requested: Collection[str], known: set[str]) -> None:
    if unknown := sorted(set(requested) - known):
        available = ", ".join(sorted(known - {""})) or "none with a name"
        raise ExpectedError(
            f"neither side has the {kind} '{unknown[0]}'", f"available {kind}s: {available}"
        )


def filter_changes(diff: Diff, *, direct: bool = False, kinds: Collection[str] = ()) -> Diff:
    """Return the diff with only the direct changes, or those of some kinds.

    Altered packages always remain.
    """
    changes = tuple(
        change
        for change in diff.changes
        if change.altered
        or ((change.direct or not direct) and (not kinds or not _kinds(change).isdisjoint(kinds)))
    )
    return replace(diff, changes=changes, left_out=len(diff.changes) - len(changes))


def _kinds(change: Change) -> set[str]:
    """Return the kind of a change, and ``moved`` for another version from another source."""
    return {change.kind, "moved"} if change.sources or change.elsewhere else {change.kind}


def matches_any(diff: Diff, conditions: Collection[str]) -> bool:
    """Return whether any change has one of these kinds or steps.

    ``any`` matches every change, and ``files`` those of files that build the images. An altered
    package and a file that does not follow from the lock files always match.
    """
    has_changed_file = any(file.kind != "kept" for file in diff.files)
    if any(file.problem for file in diff.files):
        return True
    if "files" in conditions and has_changed_file:
        return True
    if "any" in conditions and (diff.changes or diff.facts or has_changed_file):
        return True
    if not _kinds_of_facts(diff.facts).isdisjoint(conditions):
        return True
    return any(_matches(change, conditions) for change in diff.changes)


def _kinds_of_facts(facts: Collection[Fact]) -> set[str]:
    """Return the kinds of change of whole images and platforms, and of the usual address."""
    kinds = {
        "added" if fact.new else "removed"
        for fact in facts
        if fact.kind in SCOPE_FACTS and fact.old != fact.new
    }
    return kinds | {"moved" for fact in facts if fact.kind == transport.KIND}


def _matches(change: Change, conditions: Collection[str]) -> bool:
    is_kind = not _kinds(change).isdisjoint(conditions)
    return change.altered or is_kind or change.step in conditions
