"""Sizes in bytes, formatted for people."""

MEGABYTE = 1_000_000

UNITS = ("B", "kB", "MB", "GB", "TB")
THOUSAND = 1000


def format_size(size: int) -> str:
    """Return a size like ``12.3 MB``."""
    number, unit = float(abs(size)), 0
    # Compare the rounded number, so that 999,999 bytes are 1.0 MB and not 1000.0 kB.
    while round(number, _decimals(unit)) >= THOUSAND and unit < len(UNITS) - 1:
        number, unit = number / THOUSAND, unit + 1
    return f"{number:.{_decimals(unit)}f} {UNITS[unit]}"


def format_size_change(change: int | None) -> str:
    """Return a difference like ``+12.3 MB``; empty for 0, and for None (unknown)."""
    if not change:
        return ""
    sign = "+" if change > 0 else "-"
    return sign + format_size(change)


def _decimals(unit: int) -> int:
    return 1 if unit else 0
