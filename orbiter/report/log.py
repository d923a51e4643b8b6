"""The history of a package as text."""

from collections.abc import Iterable

from orbiter.diff.history import HistoryEvent
from orbiter.diff.types import Change


def render(events: Iterable[HistoryEvent]) -> str:
    """A block a manager, the newest event last; "" without events."""
    found: dict[str, list[HistoryEvent]] = {}
    for event in events:
        found.setdefault(f"{event.change.name} ({event.change.manager})", []).append(event)
    return "\n".join(f"{title}\n{_table(rows)}" for title, rows in sorted(found.items()))


def _table(events: list[HistoryEvent]) -> str:
    release = max(len(event.release) for event in events)
    date = max(len(event.date) for event in events)
    lines = (
        f"  {event.release:{release}}  {event.date:{date}}  {_words(event.change)}"
        for event in events
    )
    return "".join(f"{line}\n" for line in lines)


def _words(change: Change) -> str:
    versions = " → ".join(filter(None, (", ".join(change.old), ", ".join(change.new))))
    words = [
        f"{change.kind:10}",
        change.old[0] if change.kind in {"rebuilt", "moved"} else versions,
    ]
    if not change.everywhere:
        words.append(
            f"({', '.join(' '.join(filter(None, where.place)) for where in change.where)} only)"
        )
    return " ".join(words + ["ALTERED: same version and build, other hash"] * change.altered)
