"""Text report of the changes that ``orbiter lock`` made, in a few lines."""

from collections.abc import Iterable, Iterator

from orbiter.diff.lock_sets import ManagerChanges
from orbiter.diff.types import Change
from orbiter.lockfiles.lock_set import INSTALLERS
from orbiter.lockfiles.types import Scope
from orbiter.report import phrases

EXPECTED_KINDS = frozenset({"added", "removed", "upgraded"})
"""Kinds of change that the sign of a line shows clearly enough."""

MAX_DOWNGRADES = 10
"""Downgrades of other than direct requirements that are listed; more are counted."""


def format_changes(changes: Iterable[ManagerChanges]) -> str:
    """Return the counts of each manager, with a line for each change that a reader must know.

    These are the changes of direct requirements and of installers, and all downgrades.
    """
    return "\n".join(line for each in changes for line in _block(each))


def _block(changes: ManagerChanges) -> Iterator[str]:
    is_installer = changes.builder == INSTALLERS
    # The first lock of a release adds them all, which is not worth a line.
    if is_installer and all(change.kind == "added" for change in changes.changes):
        return
    name = f"{changes.builder} {changes.manager:4}"
    yield f"{name} {changes.count:5} packages: {_counts(changes)}"
    listed = [change for change in changes.changes if is_installer or _is_requested(change)]
    downgrades = [
        change for change in changes.changes if change.kind == "downgraded" and change not in listed
    ]
    for change in (*listed, *downgrades[:MAX_DOWNGRADES]):
        yield f"    {_line(change)}"
    more = len(downgrades) - MAX_DOWNGRADES
    if more > 0:
        yield f"    … and {more:,} more downgraded (orbiter diff-locks lists them)"


def _counts(changes: ManagerChanges) -> str:
    """Format the counts: ``1 added, 2 upgraded, image debian-geo linux/amd64 added``."""
    counts = [f"{number} {kind}" for kind, number in phrases.count_kinds(changes.changes).items()]
    counts += [f"image {_name(scope)} added" for scope in changes.added]
    counts += [f"image {_name(scope)} removed" for scope in changes.removed]
    return ", ".join(counts) or "unchanged"


def _name(scope: Scope) -> str:
    return phrases.printable(" ".join(filter(None, scope)))


def _is_requested(change: Change) -> bool:
    return change.direct or change.altered


def _line(change: Change) -> str:
    """Format a change: ``+ numpy 2.1.0``, ``↓ numpy 2.1.0 → 2.0.2 (downgraded)``."""
    sign, name = phrases.SIGNS[change.kind], phrases.printable(change.name)
    mark = "" if change.kind in EXPECTED_KINDS else f" ({change.kind})"
    return f"{sign} {name} {phrases.arrow(change)}{mark}"
