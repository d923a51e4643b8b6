"""Text report of the history of a package."""

from collections.abc import Iterable

from orbiter.diff.history import HistoryEvent
from orbiter.diff.types import Change


def render(events: Iterable[HistoryEvent]) -> str:
    """Return a block per package and manager, the newest event last; "" without events."""
    blocks: dict[str, list[HistoryEvent]] = {}
    for event in events:
        title = f"{event.change.name} ({event.change.manager})"
        blocks.setdefault(title, []).append(event)
    return "\n".join(f"{title}\n{_table(rows)}" for title, rows in sorted(blocks.items()))


def _table(events: list[HistoryEvent]) -> str:
    release_width = max(len(event.release) for event in events)
    date_width = max(len(event.date) for event in events)
    lines = (
        f"  {event.release:{release_width}}  {event.date:{date_width}}  {_describe(event.change)}\n"
        for event in events
    )
    return "".join(lines)


def _describe(change: Change) -> str:
    versions = " → ".join(filter(None, (", ".join(change.old), ", ".join(change.new))))
    if change.kind in {"rebuilt", "moved"}:
        versions = change.old[0]
    parts = [f"{change.kind:10}", versions]
    if not change.everywhere:
        scopes = (" ".join(filter(None, where.scope)) for where in change.where)
        parts.append(f"({', '.join(scopes)} only)")
    if change.altered:
        parts.append("ALTERED: same version and build, other hash")
    return " ".join(parts)
