"""Tables of the text report, which fit into the width of a terminal."""

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from textwrap import wrap
from typing import NamedTuple

from orbiter.report import chains, phrases

STYLES = {
    "bold": "1",
    "dim": "2",
    "red": "31",
    "green": "32",
    "yellow": "33",
    "magenta": "35",
    "cyan": "36",
    "alarm": "1;97;41",
}
"""ANSI codes."""

KIND_STYLES = {
    "added": "green",
    "removed": "red",
    "upgraded": "cyan",
    "downgraded": "magenta",
    "changed": "yellow",
    "moved": "yellow",
}
KIND_OF_SIGN = {sign: kind for kind, sign in phrases.SIGNS.items()}
STEP_STYLES = {"major": "red", "minor": "yellow", "build": "dim"}
SEVERITY_STYLES = {"critical": "alarm", "high": "red", "medium": "yellow", "unknown": "magenta"}
COLUMN_STYLES = {"name": "bold", "why": "dim", "manager": "dim", "arrow": "dim"}

MARGIN = "  "
NOTE_INDENT = " " * 6

NARROW_GAPS = frozenset({"sign", "arrow"})
"""Columns followed by one space instead of two; the old version is another before an arrow."""

MAX_NAME = 48

SHRINK_STEPS = (
    ("why", 18),
    ("note", 30),
    ("why", 0),
    ("old", 24),
    ("new", 24),
    ("name", 32),
    ("grown", 0),
    ("note", 0),
    ("old", 14),
    ("new", 14),
    ("manager", 0),
    ("name", 20),
    ("step", 0),
    ("kind", 0),
    ("name", 16),
    ("old", 9),
    ("new", 12),
    ("name", 10),
)
"""Columns that shrink, and their minimum widths, while a table is too wide.

A note without a column gets a line of its own.
"""


class TextRow(NamedTuple):
    """A row of a table; columns that are empty in all rows are not rendered."""

    sign: str = ""
    kind: str = ""
    name: str = ""
    manager: str = ""
    old: str = ""
    arrow: str = ""
    new: str = ""
    step: str = ""
    grown: str = ""
    note: str = ""
    why: str = ""


class Painter(NamedTuple):
    """Colours texts if colours are enabled."""

    colour: bool

    def __call__(self, text: str, style: str) -> str:
        """Return a text in a style of STYLES; "" means no style."""
        if not (self.colour and style and text):
            return text
        return f"\x1b[{STYLES[style]}m{text}\x1b[0m"


def render_table(rows: Sequence[TextRow], width: int, paint: Painter) -> Iterator[str]:
    """Yield the lines of a table."""
    columns = _fit_columns(rows, width - len(MARGIN))
    for row in rows:
        cells = (
            _cell(row, column, room, paint) + " " * gap for column, (room, gap) in columns.items()
        )
        yield MARGIN + "".join(cells)
        if row.note and "note" not in columns:
            yield from _note_lines(row.note, width)


def _note_lines(note: str, width: int) -> list[str]:
    return wrap(
        phrases.printable(note),
        width,
        initial_indent=NOTE_INDENT,
        subsequent_indent=NOTE_INDENT + MARGIN,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _fit_columns(rows: Sequence[TextRow], width: int) -> dict[str, tuple[int, int]]:
    """Return the width of each column and of the gap after it, without hidden columns."""
    columns = zip(TextRow._fields, zip_longest(*rows), strict=True)
    widths = {column: max(map(len, cells)) for column, cells in columns}
    widths["name"] = min(widths["name"], MAX_NAME)
    gaps = {column: 1 if column in NARROW_GAPS else 2 for column in widths}
    if widths["arrow"]:
        gaps["old"] = 1
    # The last column has no gap.
    total = sum(size + gaps[column] for column, size in widths.items() if size) - 2
    for column, minimum in SHRINK_STEPS:
        before = widths[column]
        if total <= width or before <= minimum:
            continue
        if minimum:
            widths[column] = max(minimum, before - (total - width))
        else:
            widths[column] = 0
            total -= gaps[column]
        total -= before - widths[column]
    return {column: (size, gaps[column]) for column, size in widths.items() if size}


def _cell(row: TextRow, column: str, width: int, paint: Painter) -> str:
    text: str = getattr(row, column)
    if column == "why":
        text = chains.shorten_chain(text, width)
    if len(text) > width:
        text = f"{text[: width - 1]}…"
    padding = " " * (width - len(text))
    # Numbers are aligned to the right.
    if column == "grown":
        return padding + text
    return paint(text, _style(row, column)) + padding


def _style(row: TextRow, column: str) -> str:
    if column in {"sign", "kind"}:
        return KIND_STYLES.get(KIND_OF_SIGN.get(row.sign, ""), "")
    if column == "step":
        level = row.step.partition(" ")[0]
        return STEP_STYLES.get(row.step, SEVERITY_STYLES.get(level, ""))
    return COLUMN_STYLES.get(column, "")
