"""Alarms at the top of the reports: files and entries of a lock that nobody may overlook."""

from collections.abc import Iterator
from typing import NamedTuple

from orbiter.diff.types import Diff
from orbiter.report.phrases import underived

UNDERIVED = "they do not follow from the lock files, and a build would read them"
FAULTY = "their name or version contradicts their file, as after a faulty merge"


class Alarm(NamedTuple):
    """A heading with its items; ``key`` is ``underived`` or ``faults``."""

    key: str
    title: str
    items: tuple[str, ...]


def alarms(diff: Diff) -> Iterator[Alarm]:
    """Yield an alarm for files and one for entries; altered packages have their own section."""
    files = tuple(f"{file.path}: {file.problem}" for file in underived(diff))
    if files:
        title = f"Files not from the lock files ({len(files)}): {UNDERIVED}"
        yield Alarm("underived", title, files)
    if diff.faults:
        title = f"Contradictory entries ({len(diff.faults)}): {FAULTY}"
        yield Alarm("faults", title, diff.faults)
