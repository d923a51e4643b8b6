"""Vulnerabilities as text for a terminal."""

from collections.abc import Iterator
from textwrap import wrap

from orbiter.report.text_table import Painter, TextRow, render_table
from orbiter.report.vulnerabilities.view import Remark, Row, View, VulnerabilitySection

MIN_WIDTH = 40
ROWS = 40
"""Rows of a section that are shown; the others are counted."""
URGENT = frozenset({"critical", "high", "unknown"})
"""Severities whose rows are never left out."""
LINES = 4
"""Lines of a list of packages that are shown."""


def render(view: View, *, width: int, colour: bool, everything: bool) -> str:
    """Return lines of at most ``width`` columns (at least 40); see ``blocks``."""
    width, paint = max(width, MIN_WIDTH), Painter(colour)
    head = [paint(line, "bold") for line in _wrap(f"{view.title}: {view.counts}", width)]
    parts = [head, *blocks(view, width, paint, everything=everything)]
    return "\n\n".join("\n".join(line.rstrip() for line in part) for part in parts) + "\n"


def summary_block(view: View, width: int, paint: Painter) -> list[str]:
    """Return the counts as lines of a larger report."""
    return [paint(line, "bold") for line in _wrap(f"Vulnerabilities: {view.counts}", width)]


def blocks(view: View, width: int, paint: Painter, *, everything: bool) -> list[list[str]]:
    """Return the images, the sections and the remarks, each as lines.

    Long lists are shortened unless ``everything`` is true.
    """
    images = [line for name, text in view.images for line in _wrap(f"{name}: {text}", width, "  ")]
    result = [images] if len(view.images) > 1 else []
    for section in view.sections:
        result.append(_section(section, width, paint, everything=everything))
    for remark in view.remarks:
        result.append(list(_remark(remark, width, paint, everything=everything)))
    return [*result, _wrap(view.database, width)]


def _section(
    section: VulnerabilitySection, width: int, paint: Painter, *, everything: bool
) -> list[str]:
    shown = [
        row
        for number, row in enumerate(section.rows)
        if everything or number < ROWS or row.level in URGENT
    ]
    lines = [paint(line, "bold") for line in _wrap(section.title, width)]
    lines += render_table(list(map(_table_row, shown)), width, paint)
    if hidden := len(section.rows) - len(shown):
        lines.append(paint(f"  … and {hidden:,} more (--all shows them)", "dim"))
    return lines


def _table_row(row: Row) -> TextRow:
    return TextRow(
        name=row.package,
        manager=row.ecosystem,
        old=row.versions,
        arrow="→" if row.fixed else "",
        new=row.fixed,
        step=row.severity,
        note="; ".join(filter(None, (row.advisory, row.note))),
        why=row.summary,
    )


def _remark(remark: Remark, width: int, paint: Painter, *, everything: bool) -> Iterator[str]:
    for line in _wrap(remark.title, width):
        yield paint(line, "bold")
    lines = _wrap(", ".join(remark.items), width, "  ")
    shown = lines if everything or len(lines) <= LINES + 1 else lines[:LINES]
    yield from shown
    if hidden := len(lines) - len(shown):
        yield paint(f"  … and {hidden:,} more lines (--all shows them)", "dim")


def _wrap(text: str, width: int, indent: str = "") -> list[str]:
    return wrap(
        text,
        width,
        initial_indent=indent,
        subsequent_indent=f"{indent}  ",
        break_long_words=False,
        break_on_hyphens=False,
    )
