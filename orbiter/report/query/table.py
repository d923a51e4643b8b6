"""Tables of the answers: aligned columns, and a second line for rows that are too wide."""

from collections.abc import Iterator, Sequence
from textwrap import wrap

from orbiter.report.phrases import printable

GAP = "  "
CONTINUED = " " * 6
WIDEST = (32, 25)
"""The widest first and second columns; longer cells move the rest of their row."""


def table(rows: Sequence[Sequence[str]], width: int, *, right: int = -1) -> Iterator[str]:
    """Yield aligned lines of at most ``width`` columns.

    The column ``right`` is aligned to the right. A row that is too wide continues in the next line.
    """
    cells = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    limits = (*WIDEST, *widths[len(WIDEST) :])
    widths = [min(pair) for pair in zip(widths, limits, strict=False)]
    for row in cells:
        padded = [
            cell.rjust(size) if column == right else cell.ljust(size)
            for column, (cell, size) in enumerate(zip(row, widths, strict=True))
        ]
        line = GAP.join(padded).rstrip()
        if len(line) <= width:
            yield line
        else:
            yield from _broken(row, width)


def _broken(row: Sequence[str], width: int) -> Iterator[str]:
    """Yield the first cell, and the others below it."""
    first, *others = row
    yield first.rstrip()
    rest = GAP.join(filter(None, others))
    yield from wrap(
        rest,
        width,
        initial_indent=CONTINUED,
        subsequent_indent=CONTINUED,
        break_long_words=False,
        break_on_hyphens=False,
    )


def wrapped(text: str, width: int, indent: str = "") -> list[str]:
    """Return the lines of a text; words are not broken at hyphens."""
    return wrap(
        printable(text),
        width,
        initial_indent=indent,
        subsequent_indent=f"{indent}  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: ``1 package``, ``1,200 packages``."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
