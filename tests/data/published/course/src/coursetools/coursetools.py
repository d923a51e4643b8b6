"""Helpers of the course."""


def grade(points: int, all_points: int) -> str:
    """Return the share of points as text."""
    return f"{100 * points // all_points} %"
