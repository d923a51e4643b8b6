"""What moved between two lock sets, in the few lines that ``orbiter lock`` prints. Pure."""

from collections.abc import Mapping

import msgspec

from orbiter.lockset.inputs import LOCK_FILES, locked_files
from orbiter.lockset.model import LockSet
from resolvers.managers import MANAGERS
from resolvers.types import LockFiles, Package

Versions = Mapping[str, tuple[str, ...]]
"""Package name to its versions: npm holds one name at several."""


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """One manager of one builder: how many packages there are now, and by name what came, went and changed."""

    builder: str
    manager: str
    count: int
    added: Versions
    removed: Versions
    changed: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]


def moved(old: LockSet | None, new: LockSet) -> tuple[Moved, ...]:
    """What moved, a row per builder and manager that has packages in either lock set."""
    builders = sorted({*new.manifest.builders, *(old.manifest.builders if old else ())})
    rows = (_row(builder, manager, old, new) for builder in builders for manager in LOCK_FILES)
    return tuple(row for row in rows if row.count or row.removed)


def _row(builder: str, manager: str, old: LockSet | None, new: LockSet) -> Moved:
    before_files, files = locked_files(old, builder, manager), locked_files(new, builder, manager)
    packages = _packages(manager, files)
    after = _versions(packages)
    before = after if before_files == files else _versions(_packages(manager, before_files))
    both = before.keys() & after.keys()
    return Moved(
        builder=builder,
        manager=manager,
        count=len({(package.name, package.version) for package in packages}),
        added={name: after[name] for name in sorted(after.keys() - both)},
        removed={name: before[name] for name in sorted(before.keys() - both)},
        changed={n: (before[n], after[n]) for n in sorted(both) if before[n] != after[n]},
    )


def _packages(manager: str, files: LockFiles) -> tuple[Package, ...]:
    found = MANAGERS[manager].read(files) if files else ()
    if manager != "pip" or not found:
        return found
    from resolvers.pip import pyproject

    theirs = pyproject.provided_anywhere(files)
    return tuple(package for package in found if package.name not in theirs)


def _versions(packages: tuple[Package, ...]) -> dict[str, tuple[str, ...]]:
    found: dict[str, set[str]] = {}
    for package in packages:
        found.setdefault(package.name, set()).add(package.version)
    return {name: tuple(sorted(versions)) for name, versions in found.items()}


def report(rows: tuple[Moved, ...], direct: Mapping[tuple[str, str], frozenset[str]]) -> str:
    """The rows as text; ``direct`` are the names that people asked for, by builder and manager."""
    lines = []
    for row in rows:
        lines.append(f"{row.builder} {row.manager:4} {row.count:5} packages: {_counts(row)}")
        lines += [
            f"    {line}"
            for line in _direct(row, direct.get((row.builder, row.manager), frozenset()))
        ]
    return "\n".join(lines)


def _counts(row: Moved) -> str:
    counts = (
        ("added", _all(row.added)),
        ("removed", _all(row.removed)),
        ("moved", len(row.changed)),
    )
    return ", ".join(f"{count} {word}" for word, count in counts if count) or "unchanged"


def _all(versions: Versions) -> int:
    return sum(len(each) for each in versions.values())


def _direct(row: Moved, names: frozenset[str]) -> list[str]:
    """One line for each direct requirement that came, went or moved."""
    lines = [f"+ {name} {', '.join(row.added[name])}" for name in row.added if name in names]
    lines += [f"- {name} {', '.join(row.removed[name])}" for name in row.removed if name in names]
    lines += [
        f"~ {name} {', '.join(before)} -> {', '.join(after)}"
        for name, (before, after) in row.changed.items()
        if name in names
    ]
    return lines
