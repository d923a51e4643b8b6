"""Sections of the text and Markdown reports: which changes come under which heading."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from orbiter.diff.importance import RUNTIMES
from orbiter.diff.types import KINDS, Change, Diff
from orbiter.report.phrases import STEPS, altered, count_of, is_elsewhere

MAX_UNSORTED = 17
MAX_IMPORTANT = 12
MANY_DEPENDENTS = 10
"""A list that is longer starts with at most so many packages with at least so many dependents."""

SECTIONS = ("altered", "elsewhere", "direct", "important", "guessed")
"""Sections of several kinds of change, the most important first."""


class Section(NamedTuple):
    """Changes under one heading; ``key`` is one of SECTIONS, or their kind."""

    key: str
    title: str
    changes: tuple[Change, ...]


def sections(diff: Diff) -> tuple[Section, ...]:
    """Sort all changes into sections: altered and important ones, then by kind."""
    others = [change for change in diff.changes if not change.altered]
    elsewhere = tuple(change for change in others if is_elsewhere(change))
    others = [change for change in others if not is_elsewhere(change)]
    important = _important(others)
    others = [change for change in others if change not in important]
    requested = (change for change in others if change.direct and not change.guessed)
    guessed = (change for change in others if change.direct and change.guessed)
    first = (
        Section("altered", "Altered", altered(diff)),
        Section("elsewhere", "From another source than before", elsewhere),
        Section("direct", "Direct requirements", _largest_first(requested)),
        Section("important", "Required by most other packages", important),
        Section("guessed", "Direct requirements, guessed", _largest_first(guessed)),
    )
    kinds_before = {change.kind for section in first for change in section.changes}
    rest = []
    for kind in KINDS:
        heading = f"Other {kind}" if kind in kinds_before else kind.capitalize()
        changes = (change for change in others if change.kind == kind and not change.direct)
        rest.append(Section(kind, heading, _largest_first(changes)))
    return tuple(_with_count(section) for section in (*first, *rest) if section.changes)


def _important(changes: Sequence[Change]) -> tuple[Change, ...]:
    """Return the first changes of a long list whose lock does not record direct requirements.

    The list starts with language runtimes, and continues with packages that most others require.
    """
    guessed = [change for change in changes if change.guessed]
    if len(guessed) <= MAX_UNSORTED:
        return ()
    runtimes = [change for change in guessed if change.name in RUNTIMES]
    libraries = [
        change
        for change in guessed
        if change.dependents >= MANY_DEPENDENTS
        and change.step not in {"patch", "build"}
        and change not in runtimes
    ]
    # Only the sort by step changes the order, which is that of the number of dependents.
    libraries.sort(key=lambda change: change.step != "major")
    return (*runtimes, *libraries)[:MAX_IMPORTANT]


def _largest_first(changes: Iterable[Change]) -> tuple[Change, ...]:
    """Sort changes by kind, and those of a kind by their step, the largest first."""
    return tuple(
        sorted(changes, key=lambda change: (KINDS.index(change.kind), STEPS.index(change.step)))
    )


def _with_count(section: Section) -> Section:
    packages = len({(change.manager, change.name) for change in section.changes})
    count = f"{len(section.changes):,}"
    if packages != len(section.changes):
        count = f"{count_of(packages, 'package')} in {count} changes"
    return section._replace(title=f"{section.title} ({count})")
