"""Requirement chains of the reports: why a package is part of a lock."""

from orbiter.diff.types import Change
from orbiter.report.phrases import MAX_LISTED, printable


def chain(change: Change, *, whole: bool = False) -> str:
    """Return the packages that require a package: ``via jupyterlab > … > anyio``."""
    links = change.why[:-1]
    if len(links) > MAX_LISTED and not whole:
        links = (links[0], "…", links[-1])
    return "via " + printable(" > ".join(links)) if links else ""


def shorten_chain(text: str, width: int) -> str:
    """Leave out links in the middle of a chain until it fits, as far as possible."""
    links = text.split(" > ")
    while len(text) > width and len(links) >= MAX_LISTED:
        middle = len(links) // 2
        del links[middle]
        text = " > ".join((*links[:middle], "…", *links[middle:]))
    return text
