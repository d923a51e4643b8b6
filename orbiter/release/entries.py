"""The first differing entry of two layers, found in their recorded lines."""

from collections.abc import Sequence
from typing import Literal

import msgspec

from orbiter.release.layers import LayerEntry

EntryChange = Literal["changed", "time", "added", "missing"]
"""``changed`` means another content, kind, owner, mode or name; ``time`` only another time."""

CONTENT_DIGITS = 6
"""Number of digits in a line that describe the entry; the others describe its time."""
DESCRIPTIONS: dict[EntryChange, str] = {
    "changed": "its content, owner, mode or name differs",
    "time": "only its time differs",
    "added": "the release does not have it",
    "missing": "the release has another file before it, which is missing here",
}


class EntryDifference(msgspec.Struct, frozen=True, kw_only=True):
    """The first entry that differs.

    For a missing entry, ``path`` is that of the next entry, or empty at the end.
    """

    path: str
    change: EntryChange


def first_difference(
    recorded: Sequence[str], built: Sequence[LayerEntry]
) -> EntryDifference | None:
    """Return the first difference; one in the content comes before those in the time."""
    old = [line[:CONTENT_DIGITS] for line in recorded]
    new = [entry.line[:CONTENT_DIGITS] for entry in built]
    if old != new:
        position = 0
        while position < min(len(old), len(new)) and old[position] == new[position]:
            position += 1
        path = built[position].path if position < len(built) else ""
        return EntryDifference(path=path, change=_change(old[position:], new[position:]))
    for line, entry in zip(recorded, built, strict=True):
        if line != entry.line:
            return EntryDifference(path=entry.path, change="time")
    return None


def format_difference(difference: EntryDifference) -> str:
    """Return a difference for people."""
    if not difference.path:
        return "an entry is missing at the end"
    path = relative_path(difference.path)
    return f"/{path}: {DESCRIPTIONS[difference.change]}"


def relative_path(path: str) -> str:
    """Return the path of an entry without ``./`` or ``/`` at its start."""
    return path.removeprefix("./").removeprefix("/")


def _change(old: Sequence[str], new: Sequence[str]) -> EntryChange:
    """Return the change at the start of two lists, found by looking for each in the other."""
    if not new:
        return "missing"
    if not old:
        return "added"
    added = new.index(old[0]) if old[0] in new else 0
    missing = old.index(new[0]) if new[0] in old else 0
    if added and (not missing or added <= missing):
        return "added"
    return "missing" if missing else "changed"
