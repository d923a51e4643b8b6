"""Looks at a part of two locks, or of what changed between them. Pure."""

from collections.abc import Collection

from msgspec.structs import replace

from orbiter.diff.suggest import PLACES
from orbiter.diff.types import Change, Diff
from orbiter.lockfiles.types import Lock, PackageEntry, Scope
from resolvers.errors import ExpectedError


def restrict_lock(
    lock: Lock,
    *,
    images: Collection[str] = (),
    platforms: Collection[str] = (),
    managers: Collection[str] = (),
) -> Lock:
    """The lock with only these images (or environments), platforms and managers; all where none is named.

    A part has no facts: they are of the whole, or of other parts.
    """
    if not (images or platforms or managers):
        return lock

    def wanted(place: Scope) -> bool:
        return (not images or place.environment in images) and (
            not platforms or place.platform in platforms
        )

    def kept(packages: tuple[PackageEntry, ...]) -> tuple[PackageEntry, ...]:
        return (
            tuple(package for package in packages if package.manager in managers)
            if managers
            else packages
        )

    return replace(
        lock,
        packages={place: kept(all_) for place, all_ in lock.packages.items() if wanted(place)},
        facts={},
    )


def check_names(
    locks: tuple[Lock, Lock], *, images: Collection[str], platforms: Collection[str]
) -> None:
    """Raises ExpectedError for an image or a platform that neither lock has, naming those that are there."""
    places = {place for lock in locks for place in lock.packages}
    for what, asked, known in (
        ("image", images, {place.environment for place in places}),
        ("platform", platforms, {place.platform for place in places}),
    ):
        if unknown := sorted(set(asked) - known):
            there = ", ".join(sorted(known - {""})) or "none by name"
            raise ExpectedError(
                f"neither side has the {what} '{unknown[0]}'", f"there are: {there}"
            )


def filter_changes(diff: Diff, *, direct: bool = False, kinds: Collection[str] = ()) -> Diff:
    """The diff with only the direct changes, or those of some kinds; what is altered is never left out."""
    changes = tuple(
        change
        for change in diff.changes
        if change.altered or ((change.direct or not direct) and (not kinds or change.kind in kinds))
    )
    return replace(diff, changes=changes, left_out=len(diff.changes) - len(changes))


def matches_any(diff: Diff, on: Collection[str]) -> bool:
    """Whether anything that changed is among ``on``: kinds, steps, ``any``; what is altered always is."""
    if "any" in on and (diff.changes or diff.facts):
        return True
    places = {
        "added" if fact.new else "removed"
        for fact in diff.facts
        if fact.kind in PLACES and fact.old != fact.new
    }
    return bool(places & set(on)) or any(
        change.altered or _marks(change) & set(on) for change in diff.changes
    )


def _marks(change: Change) -> set[str]:
    return {change.kind, change.step}
