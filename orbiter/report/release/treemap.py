"""A treemap: rectangles whose areas are proportional to sizes. Pure.

The algorithm is that of Bruls, Huizing and van Wijk, "Squarified Treemaps" (2000). It places the
largest sizes first, in rows along the shorter side, so that most rectangles are almost squares.
"""

from collections.abc import Sequence
from typing import NamedTuple

TINY = 1e-6
"""Rounding may leave a side with nothing, which would divide by zero."""


class Rectangle(NamedTuple):
    """A rectangle; the origin is at the top left."""

    x: float
    y: float
    width: float
    height: float


def squarify(sizes: Sequence[float], area: Rectangle) -> list[Rectangle]:
    """Return a rectangle for each size, in their order; together they fill the area.

    The sizes are positive, and the largest one is the first.
    """
    scale = area.width * area.height / (sum(sizes) or 1)
    areas = [size * scale for size in sizes]
    placed: list[Rectangle] = []
    rest = area
    while len(placed) < len(areas):
        start = len(placed)
        row = areas[start : _row_end(areas, start, _shorter_side(rest))]
        rectangles, rest = _place(row, rest)
        placed += rectangles
    return placed


def _shorter_side(area: Rectangle) -> float:
    return max(min(area.width, area.height), TINY)


def _row_end(areas: Sequence[float], start: int, side: float) -> int:
    """Return the end of the row that begins at ``start``: one more would make worse shapes."""
    total, end = areas[start], start + 1
    while end < len(areas):
        longer = total + areas[end]
        now = _worst(areas[start], areas[end - 1], total, side)
        if _worst(areas[start], areas[end], longer, side) > now:
            break
        total, end = longer, end + 1
    return end


def _worst(largest: float, smallest: float, total: float, side: float) -> float:
    """Return the highest ratio of sides in a row, of which the largest or smallest area has it."""
    square = side**2
    return max(square * largest / total**2, total**2 / (square * smallest))


def _place(row: Sequence[float], area: Rectangle) -> tuple[list[Rectangle], Rectangle]:
    """Return the rectangles of a row along the shorter side, and what remains of the area."""
    x, y, width, height = area
    depth = sum(row) / _shorter_side(area)
    placed = []
    if width >= height:
        for part in row:
            placed.append(Rectangle(x, y, depth, part / depth))
            y += part / depth
        return placed, Rectangle(x + depth, area.y, max(width - depth, 0), height)
    for part in row:
        placed.append(Rectangle(x, y, part / depth, depth))
        x += part / depth
    return placed, Rectangle(area.x, y + depth, width, max(height - depth, 0))
