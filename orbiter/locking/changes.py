"""Changes between two lock sets, in the few lines that ``orbiter lock`` prints. Pure."""

from collections.abc import Mapping

import msgspec

from orbiter.locking.packages import locked_packages
from orbiter.lockset.inputs import LOCK_FILES, locked_files
from orbiter.lockset.model import LockSet
from resolvers.types import Package

Versions = Mapping[str, tuple[str, ...]]
"""Package names to their versions: npm may install one package at several versions."""


class ManagerChanges(msgspec.Struct, frozen=True, kw_only=True):
    """The changes of one manager of one builder; ``count`` is its number of packages now."""

    builder: str
    manager: str
    count: int
    added: Versions
    removed: Versions
    changed: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]


def lock_set_changes(old: LockSet | None, new: LockSet) -> tuple[ManagerChanges, ...]:
    """Return the changes of each builder and manager with packages in either lock set."""
    names = set(new.manifest.builders)
    if old:
        names |= set(old.manifest.builders)
    every = [
        _changes(builder, manager, old, new) for builder in sorted(names) for manager in LOCK_FILES
    ]
    return tuple(changes for changes in every if changes.count or changes.removed)


def _changes(builder: str, manager: str, old: LockSet | None, new: LockSet) -> ManagerChanges:
    old_files = locked_files(old, builder, manager)
    new_files = locked_files(new, builder, manager)
    packages = locked_packages(manager, new_files)
    after = _versions(packages)
    before = after
    if old_files != new_files:
        before = _versions(locked_packages(manager, old_files))
    common = before.keys() & after.keys()
    return ManagerChanges(
        builder=builder,
        manager=manager,
        count=len({(package.name, package.version) for package in packages}),
        added={name: after[name] for name in sorted(after.keys() - common)},
        removed={name: before[name] for name in sorted(before.keys() - common)},
        changed={
            name: (before[name], after[name])
            for name in sorted(common)
            if before[name] != after[name]
        },
    )


def _versions(packages: tuple[Package, ...]) -> dict[str, tuple[str, ...]]:
    versions: dict[str, set[str]] = {}
    for package in packages:
        versions.setdefault(package.name, set()).add(package.version)
    return {name: tuple(sorted(of_name)) for name, of_name in versions.items()}


def report(
    changes: tuple[ManagerChanges, ...], direct: Mapping[tuple[str, str], frozenset[str]]
) -> str:
    """Format the changes as text: counts, and a line for each changed direct requirement.

    ``direct`` holds the names of direct requirements by builder and manager.
    """
    lines = []
    for each in changes:
        lines.append(f"{each.builder} {each.manager:4} {each.count:5} packages: {_counts(each)}")
        names = direct.get((each.builder, each.manager), frozenset())
        lines += [f"    {line}" for line in _direct_lines(each, names)]
    return "\n".join(lines)


def _counts(changes: ManagerChanges) -> str:
    counts = (
        ("added", _number_of_versions(changes.added)),
        ("removed", _number_of_versions(changes.removed)),
        ("changed", len(changes.changed)),
    )
    return ", ".join(f"{count} {word}" for word, count in counts if count) or "unchanged"


def _number_of_versions(versions: Versions) -> int:
    return sum(len(of_name) for of_name in versions.values())


def _direct_lines(changes: ManagerChanges, names: frozenset[str]) -> list[str]:
    added, removed = changes.added, changes.removed
    lines = [f"+ {name} {', '.join(added[name])}" for name in added if name in names]
    lines += [f"- {name} {', '.join(removed[name])}" for name in removed if name in names]
    for name, (before, after) in changes.changed.items():
        if name in names:
            lines.append(f"~ {name} {', '.join(before)} -> {', '.join(after)}")
    return lines
