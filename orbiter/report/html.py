"""A diff as one self-contained page for a browser: it asks nobody for anything, and works without its script."""

import base64
import hashlib
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from orbiter import sizes
from orbiter.diff.types import KINDS, Change, Diff
from orbiter.report import phrases

if TYPE_CHECKING:
    from jinja2 import Template

HERE = Path(__file__).parent
TRACKS = {
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
"""How wide the columns are; they are told to each row by itself, so none may depend on what is in it."""
HEADINGS = {"name": "Package", "kind": "Change", "grown": "Size"}


class _Row(NamedTuple):
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
    altered: bool
    bytes: int
    rank: int
    """Of the step; the farthest is the lowest, so that sorting starts with it."""
    places: tuple[str, ...]


def render(diff: Diff) -> str:
    """The page as HTML. Its policy allows no style or script but its own, and no request."""
    rows = [*_rows(diff)]
    managers = _number(rows, "manager", sorted({row.manager for row in rows}))
    empty = {name for name in TRACKS if not any(getattr(row, name) for row in rows)}
    columns = [
        name for name in TRACKS if name not in empty and (name != "manager" or len(managers) > 1)
    ]
    tracks = " ".join(TRACKS[name] for name in columns)
    style = f"{_read('page.css')}:root {{ --tracks: {tracks}; }}\n"
    script = _read("page.js")
    return _template().render(
        title=phrases.title(diff),
        counts=phrases.counts(diff),
        suggestion=phrases.suggestion(diff.suggestion),
        download=phrases.download(diff),
        diff=diff,
        phrases=phrases,
        rows=rows,
        altered=[row for row in rows if row.altered],
        columns=[(name, HEADINGS.get(name, name.capitalize())) for name in columns],
        kinds=_number(rows, "kind", KINDS),
        managers=managers,
        packages=len({(row.manager, row.name) for row in rows}),
        directs=sum(row.direct for row in rows),
        style=style,
        script=script,
        style_hash=_hash(style),
        script_hash=_hash(script),
    )


def _rows(diff: Diff) -> list[_Row]:
    notes = phrases.notes_of(diff)
    return [_row(change, notes(change)) for change in diff.changes]


def _row(change: Change, note: str) -> _Row:
    old, new = phrases.versions(change)
    step = phrases.step(change)
    counted = not change.everywhere and len(change.where) > phrases.NAMED
    return _Row(
        name=phrases.plain(change.name),
        manager=change.manager,
        kind=change.kind,
        old=old,
        new=new,
        step=step,
        grown=sizes.format_size_change(change.grown),
        note=note,
        why=phrases.chain(change),
        sign=phrases.SIGNS[change.kind],
        direct=change.direct,
        altered=change.altered,
        bytes=change.grown or 0,
        rank=phrases.STEPS.index(change.step),
        places=tuple(phrases.by_place(change))
        if counted or (new in phrases.OTHERS and len(change.where) > 1)
        else (),
    )


def _number(rows: list[_Row], field: str, values: Any) -> list[tuple[str, int]]:
    numbers = Counter(getattr(row, field) for row in rows)
    return [(value, numbers[value]) for value in values if numbers[value]]


def _read(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """As Content-Security-Policy names what it allows: https://www.w3.org/TR/CSP3/#grammardef-hash-source."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _template() -> "Template":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("page.html.j2")
