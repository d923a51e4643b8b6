"""Text report of the changes that ``orbiter lock`` made, in a few lines."""

from collections.abc import Iterable, Iterator, Mapping

from orbiter.diff.lock_sets import ManagerChanges
from orbiter.diff.moves import Cause, Move, Moves
from orbiter.diff.types import Change
from orbiter.lockfiles.lock_set import INSTALLERS
from orbiter.lockfiles.types import Scope
from orbiter.report import phrases

EXPECTED_KINDS = frozenset({"added", "removed", "upgraded"})
"""Kinds of change that the sign of a line shows clearly enough."""

MAX_DOWNGRADES = 10
"""Downgrades of other than direct requirements that are listed; more are counted."""
MAX_EXPLAINED = 10
"""Other changes of a manager that are listed if their reason is known; more are counted."""
WIDTH = 80

Reasons = Mapping[tuple[str, str, str], str]
"""The reason for a change by builder, manager and name."""


def format_moves(moves: Moves) -> str:
    """Return the changes with their reasons, and the number of packages that moved."""
    text = format_changes(moves.changes, {_key(move): reason(move) for move in moves.moves})
    return f"{text}\n{moved(moves)}" if moves.moves else text


def format_changes(changes: Iterable[ManagerChanges], reasons: Reasons | None = None) -> str:
    """Return the counts of each manager, with a line for each change that a reader must know.

    These are the changes of direct requirements and of installers, all downgrades, and changes with
    a reason.
    """
    return "\n".join(line for each in changes for line in _block(each, reasons or {}))


def moved(moves: Moves) -> str:
    """Return the number of packages that moved: ``moved 3 of 809 packages``."""
    return f"moved {moves.count:,} of {phrases.count_of(moves.compared, 'package')}"


def _key(move: Move) -> tuple[str, str, str]:
    return move.builder, move.change.manager, move.change.name


def reason(move: Move) -> str:
    """Return why a package moved, "" if the locks do not record it."""
    if move.asked:
        return "asked for"
    return _because(move.cause, move.change.name) if move.cause else ""


def step_of(move: Move) -> str:
    """Return the versions of a move and its step: ``base 1.0 → 2.0 is a major step``."""
    name, step = phrases.printable(move.change.name), move.change.step or "large"
    return f"{name} {phrases.arrow(move.change)} is a {step} step"


def _because(cause: Cause, moved_name: str) -> str:
    name = phrases.printable(" ".join(filter(None, (cause.name, cause.version))))
    needed = phrases.printable(cause.requirement)
    if cause.relation == "requires":
        return f"{name} needs {phrases.printable(moved_name) + needed if needed else 'it'}"
    if cause.relation == "drops":
        return f"{name} does not need it" if cause.version else f"only {name} needed it"
    return f"needs {cause.name}{needed}, now {cause.version}" if needed else f"with {name}"


def _block(changes: ManagerChanges, reasons: Reasons) -> Iterator[str]:
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
    explained = [
        change
        for change in changes.changes
        if change not in listed and change not in downgrades and _reason(changes, change, reasons)
    ]
    for change in (*listed, *downgrades[:MAX_DOWNGRADES], *explained[:MAX_EXPLAINED]):
        yield _with_reason(f"    {_line(change)}", _reason(changes, change, reasons))
    for more, what in (
        (len(downgrades) - MAX_DOWNGRADES, "downgraded "),
        (len(explained) - MAX_EXPLAINED, ""),
    ):
        if more > 0:
            yield f"    … and {more:,} more {what}(orbiter diff-locks lists them)"


def _reason(changes: ManagerChanges, change: Change, reasons: Reasons) -> str:
    return reasons.get((changes.builder, changes.manager, change.name), "")


def _with_reason(line: str, reason: str) -> str:
    """Return a line with a reason behind it, or below it if that is too long."""
    if not reason:
        return line
    return (
        f"{line}: {reason}"
        if len(line) + len(reason) + 2 <= WIDTH
        else f"{line}:\n        {reason}"
    )


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
