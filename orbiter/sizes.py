"""Sizes in bytes, formatted for people."""

MEGABYTE = 1_000_000

UNITS = ("B", "kB", "MB", "GB", "TB")
THOUSAND = 1000


def size(grown: int | None) -> str:
    """``+12.3 MB``; "" for nothing and for what is not known."""
    if not grown:
        return ""
    number, unit = float(abs(grown)), 0
    while round(number, 1 if unit else 0) >= THOUSAND and unit < len(UNITS) - 1:
        number, unit = number / THOUSAND, unit + 1
    return f"{'+' if grown > 0 else '-'}{number:.{1 if unit else 0}f} {UNITS[unit]}"
