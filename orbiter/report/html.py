"""HTML report: one self-contained page that makes no requests and also works without its script."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from orbiter import sizes
from orbiter.diff.types import KINDS, Change, Diff
from orbiter.report import chains, pages, phrases
from orbiter.report.alarms import Alarm, alarms
from orbiter.report.extras import Extra
from orbiter.report.vulnerabilities.view import View

COLUMN_WIDTHS = {
    "name": "minmax(0, 2.2fr)",
    "manager": "5.5rem",
    "kind": "8rem",
    "old": "minmax(0, 1.3fr)",
    "new": "minmax(0, 1.3fr)",
    "step": "4.25rem",
    "grown": "6.25rem",
    "note": "minmax(0, 1.6fr)",
    "why": "minmax(0, 2.2fr)",
}
"""Widths of the columns. Each row is a grid of its own, so none may depend on the content."""

HEADINGS = {"name": "Package", "kind": "Change", "grown": "Size"}


class HtmlRow(NamedTuple):
    """A row of the table of changes, as the template reads it.

    ``rank`` is the position of the step, the largest first. ``places`` are listed on demand.
    """

    name: str
    manager: str
    kind: str
    old: str
    new: str
    step: str
    grown: str
    note: str
    why: str
    sign: str
    direct: bool
    guessed: bool
    altered: bool
    elsewhere: bool
    bytes: int
    rank: int
    places: tuple[str, ...]


class ChangeParts(NamedTuple):
    """The variables of ``changes.html.j2``.

    ``columns`` are names and headings. ``kinds`` and ``managers`` have a number of rows.
    """

    diff: Diff
    alarms: list[Alarm]
    rows: list[HtmlRow]
    altered: list[HtmlRow]
    columns: list[tuple[str, str]]
    kinds: list[tuple[str, int]]
    managers: list[tuple[str, int]]
    packages: int
    directs: int


def render(diff: Diff, vulnerabilities: View | None = None, extras: Sequence[Extra] = ()) -> str:
    """Return the page; its policy allows only its own style and script, and no requests."""
    changes = parts(diff)
    style = pages.style(vulnerabilities) + tracks(changes)
    script = pages.read("page.js")
    return pages.template("page.html.j2").render(
        title=phrases.title(diff),
        counts=phrases.counts(diff),
        suggestion=phrases.suggestion(diff.suggestion),
        download=phrases.download(diff),
        vulnerabilities=vulnerabilities,
        extras=extras,
        phrases=phrases,
        **changes._asdict(),
        style=style,
        script=script,
        style_hash=pages.policy_hash(style),
        script_hash=pages.policy_hash(script),
    )


def parts(diff: Diff) -> ChangeParts:
    """Return the parts of a page about the changes."""
    notes = phrases.notes_of(diff)
    rows = [_row(change, notes(change)) for change in diff.changes]
    managers = _count(rows, "manager", sorted({row.manager for row in rows}))
    columns = _columns(rows, has_managers=len(managers) > 1)
    return ChangeParts(
        diff=diff,
        alarms=list(alarms(diff)),
        rows=rows,
        altered=[row for row in rows if row.altered],
        columns=[(column, HEADINGS.get(column, column.capitalize())) for column in columns],
        kinds=_count(rows, "kind", KINDS),
        managers=managers,
        packages=len({(row.manager, row.name) for row in rows}),
        directs=sum(row.direct for row in rows),
    )


def tracks(changes: ChangeParts) -> str:
    """Return the style of the columns; the policy forbids style attributes."""
    widths = " ".join(COLUMN_WIDTHS[column] for column, _ in changes.columns)
    return f":root {{ --tracks: {widths}; }}\n"


def _columns(rows: list[HtmlRow], *, has_managers: bool) -> list[str]:
    """Return the columns that are not empty; a single manager needs no column."""
    used = {field for row in rows for field in HtmlRow._fields if getattr(row, field)}
    if not has_managers:
        used.discard("manager")
    return [column for column in COLUMN_WIDTHS if column in used]


def _row(change: Change, note: str) -> HtmlRow:
    old, new = phrases.versions(change)
    return HtmlRow(
        name=phrases.printable(change.name),
        manager=change.manager,
        kind=change.kind,
        old=old,
        new=new,
        step=phrases.step(change),
        grown=sizes.format_size_change(change.grown),
        note=note,
        why=chains.chain(change),
        sign=phrases.SIGNS[change.kind],
        direct=change.direct,
        guessed=change.guessed,
        altered=change.altered,
        elsewhere=phrases.is_elsewhere(change),
        bytes=change.grown or 0,
        rank=phrases.STEPS.index(change.step),
        places=_places(change, new),
    )


def _places(change: Change, new: str) -> tuple[str, ...]:
    """Return the scopes of a change if its note only counts them, or if they differ."""
    is_counted = not change.everywhere and len(change.where) > phrases.MAX_LISTED
    is_different = new in phrases.OTHERS and len(change.where) > 1
    return tuple(phrases.by_scope(change)) if is_counted or is_different else ()


def _count(rows: list[HtmlRow], field: str, values: Iterable[str]) -> list[tuple[str, int]]:
    counts = Counter(getattr(row, field) for row in rows)
    return [(value, counts[value]) for value in values if counts[value]]
