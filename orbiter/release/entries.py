"""The first differing entry of two layers, found in their recorded lines."""

from collections.abc import Sequence
from typing import Literal

import msgspec

from orbiter.release.layers import ListedEntry

EntryChange = Literal["changed", "added", "missing"]
"""``changed`` means another content, kind, owner, mode or name."""

DESCRIPTIONS: dict[EntryChange, str] = {
    "changed": "its content, owner, mode or name differs",
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
    recorded: Sequence[str], built: Sequence[ListedEntry]
) -> EntryDifference | None:
    """Return the first difference; None if all entries are equal."""
    lines = [entry.line for entry in built]
    if lines == list(recorded):
        return None
    position = first_differing(recorded, lines)
    path = built[position].path if position < len(built) else ""
    return EntryDifference(path=path, change=_change(recorded[position:], lines[position:]))


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
    added = _position(old[0], new)
    missing = _position(new[0], old)
    if added and (not missing or added <= missing):
        return "added"
    return "missing" if missing else "changed"


def _position(line: str, lines: Sequence[str]) -> int:
    """Return the position of a line; 0 if it is missing, because the first lines always differ."""
    return lines.index(line) if line in lines else 0


def first_differing(old: Sequence[str], new: Sequence[str]) -> int:
    """Return the first position at which two lists differ, at most the shorter length."""
    for position, (old_item, new_item) in enumerate(zip(old, new, strict=False)):
        if old_item != new_item:
            return position
    return min(len(old), len(new))
