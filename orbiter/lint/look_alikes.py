"""Packages whose name looks like that of a widely used package, as attackers choose them."""

from collections.abc import Iterable, Iterator

from orbiter.lint.entries import finding
from orbiter.lint.known_names import known_names, look_alikes
from orbiter.lint.lines import Lines
from orbiter.lint.types import Finding, Settings
from orbiter.lockfiles.types import PackageEntry

RULE = "look-alike-name"


def find_look_alikes(
    entries: Iterable[PackageEntry], lines: Lines, settings: Settings
) -> Iterator[Finding]:
    """Yield the packages with an unknown name that is one edit from a widely used name."""
    for entry in entries:
        names = look_alikes(entry.manager)
        if names is None or entry.name in settings.known_names:
            continue
        if other := names.find(entry.name):
            message = f"looks like {other}, and is not in the list of {known_names().date}"
            yield finding(RULE, entry, lines, message)
