"""The words that every format says in the same way."""

import re
import shlex
from collections import Counter
from collections.abc import Callable, Iterable
from typing import NamedTuple

from orbiter.diff.types import KINDS, Change, Diff, Occurrence, Side, Suggestion, Variant
from orbiter.lockfiles.types import Scope
from orbiter.sizes import format_size_change

ALTERED = "same version, other hash: this is how tampering looks"
SUSPECT = "Do not use it before you know who changed the file, and why."
SIGNS = {
    "added": "+",
    "removed": "-",
    "upgraded": "↑",
    "downgraded": "↓",
    "changed": "~",
    "rebuilt": "=",
    "moved": "→",
}
OTHERS = frozenset({"other builds", "other sources", "other files", "other hash"})
"""Words in the place of a version where there is none to name."""
STEPS = ("major", "minor", "patch", "build", "")
"""The farthest first."""
NAMED = 3
"""How many places or links of a chain are named before they are counted or left out."""
DIGEST = re.compile(r"\b(?:sha\d+|md5|blake2b):([0-9a-f]{12})[0-9a-f]{20,}")
BARE_DIGEST = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{52,}\b")


class Section(NamedTuple):
    """Changes that belong under one heading; ``word`` is ``altered``, ``direct`` or their kind."""

    word: str
    title: str
    changes: tuple[Change, ...]


def plain(text: str) -> str:
    """Text that cannot steer a terminal or turn a line around: what is not printable is shown as such."""
    return (
        text
        if text.isprintable()
        else "".join(each if each.isprintable() else "\ufffd" for each in text)
    )


def title(diff: Diff) -> str:
    """``0.1.0 → 0.2.0``."""
    return f"{_called(diff.old, diff.new)} → {_called(diff.new, diff.old)}"


def _called(side: Side, other: Side) -> str:
    return plain(
        side.release if side.release and other.release not in {"", side.release} else side.name
    )


def tally(diff: Diff) -> dict[str, int]:
    """How many packages are of each kind that there is, in the order of KINDS."""
    names = Counter(
        kind
        for kind, _, _ in {(change.kind, change.manager, change.name) for change in diff.changes}
    )
    return {kind: names[kind] for kind in KINDS if names[kind]}


def altered(diff: Diff) -> tuple[Change, ...]:
    """The changes that look like tampering."""
    return tuple(change for change in diff.changes if change.altered)


def counts(diff: Diff) -> str:
    """``12 added, 3 removed; 339 unchanged``, with what was altered before all else."""
    told = ", ".join(f"{number:,} {kind}" for kind, number in tally(diff).items())
    alarm = f"{len(altered(diff)):,} ALTERED; " if altered(diff) else ""
    rest = f"; {many(diff.left_out, 'other change')} left out" if diff.left_out else ""
    return f"{alarm}{told or _no_package(diff)}{rest}; {diff.kept:,} unchanged"


def _no_package(diff: Diff) -> str:
    if diff.left_out:
        return "no such change"
    if not diff.facts:
        return "no package changed"
    return f"no package changed, but {many(len(diff.facts), 'other thing')} did"


def many(number: int, word: str) -> str:
    """``1 package``, ``2 packages``."""
    return f"{number:,} {word}{'s' * (number != 1)}"


def summary(diff: Diff) -> str:
    """All in one line."""
    return f"{title(diff)}: {counts(diff)}"


def suggestion(suggested: Suggestion) -> str:
    """``suggested release: 0.2.0 (minor: numpy 1.26 → 2.0)``; the step alone where no release is known."""
    if not suggested.step:
        return "no new release is needed: nothing changed"
    reason = plain(suggested.reason)
    if suggested.release:
        return f"suggested release: {suggested.release} ({': '.join(filter(None, (suggested.step, reason)))})"
    return f"suggested step: {suggested.step}" + (f" ({reason})" if reason else "")


def download(diff: Diff) -> str:
    """``download: +12.3 MB``, where all happens at one place and a size is known; else ""."""
    known = [change.grown for change in diff.changes if change.grown is not None]
    if len(diff.counts) != 1 or not known or not sum(known):
        return ""
    unknown = len(diff.changes) - len(known)
    return f"download: {format_size_change(sum(known))}" + (
        f" ({unknown:,} of unknown size)" if unknown else ""
    )


def sections(diff: Diff) -> tuple[Section, ...]:
    """All changes, each once: altered, direct, then by kind, and of a kind the farthest steps first."""
    direct = _farthest_first(
        change for change in diff.changes if change.direct and not change.altered
    )
    found = [
        Section("altered", "Altered", altered(diff)),
        Section("direct", "Direct requirements", direct),
    ]
    above = {change.kind for section in found for change in section.changes}
    for kind in KINDS:
        rest = (
            each
            for each in diff.changes
            if each.kind == kind and not each.direct and not each.altered
        )
        changes = _farthest_first(rest)
        found.append(
            Section(kind, f"Other {kind}" if kind in above else kind.capitalize(), changes)
        )
    return tuple(_counted(section) for section in found if section.changes)


def _farthest_first(changes: Iterable[Change]) -> tuple[Change, ...]:
    return tuple(
        sorted(changes, key=lambda change: (KINDS.index(change.kind), STEPS.index(change.step)))
    )


def _counted(section: Section) -> Section:
    packages, changes = (
        len({(each.manager, each.name) for each in section.changes}),
        len(section.changes),
    )
    number = (
        f"{changes:,}"
        if packages == changes
        else f"{many(packages, 'package')} in {changes:,} changes"
    )
    return section._replace(title=f"{section.title} ({number})")


def versions(change: Change) -> tuple[str, str]:
    """What a change went from and came to; a build or source where the version stayed, in the same words as a lock."""
    old, new = plain(", ".join(change.old)), plain(", ".join(change.new))
    if change.kind not in {"rebuilt", "moved"}:
        return old, new
    details = _details(change)
    if all(before == after for before, after in details):
        return old, "other hash" if change.altered else "other files"
    if len(details) > 1:
        return old, "other builds" if change.kind == "rebuilt" else "other sources"
    before, after = details.pop()
    return f"{old} {before}".rstrip(), after


def step(change: Change) -> str:
    """How far a version went; "" where it stayed, for the kind says that already."""
    return "" if change.step == "build" else change.step


def _details(change: Change) -> set[tuple[str, str]]:
    return {_detail(change, where) for where in change.where}


def _detail(change: Change, where: Occurrence) -> tuple[str, str]:
    """The builds, or of what moved the sources, that went and came at one place."""

    def told(variants: Iterable[Variant]) -> str:
        builds = (
            each.source or "(default)" if change.kind == "moved" else each.build
            for each in variants
        )
        return plain(", ".join(sorted(set(filter(None, builds)))))

    return told(where.old), told(where.new)


def by_place(change: Change) -> list[str]:
    """The places of a change, and what went and came there where that differs: ``linux-64: h7_1 → h8_2``."""
    differs = versions(change)[1] in {"other builds", "other sources"}
    return [
        _at(where.place) + (f": {_change_at(change, where)}" if differs else "")
        for where in change.where
    ]


def _at(place: Scope) -> str:
    return plain(" ".join(filter(None, place))) or "all"


def _change_at(change: Change, where: Occurrence) -> str:
    old, new = _detail(change, where)
    return f"{old or 'none'} → {new or 'none'}" if old != new else "other files"


def arrow(change: Change) -> str:
    """The versions of a change in one text: ``1.26 → 2.0``, or the one that came or went."""
    return " → ".join(filter(None, versions(change)))


def chain(change: Change) -> str:
    """``via jupyterlab > … > anyio``: who leads to a package, itself left out."""
    links = change.why[:-1]
    if len(links) > NAMED:
        links = (links[0], "…", links[-1])
    return "via " + plain(" > ".join(links)) if links else ""


def short(text: str) -> str:
    """A text with its digests cut to 12 hex digits."""
    return plain(BARE_DIGEST.sub(r"\1", DIGEST.sub(r"\1", text)))


def notes_of(diff: Diff) -> Callable[[Change], str]:
    """What there is to remark about a change: where it happened if not everywhere, what stays, another licence."""
    where = where_of(diff)

    def notes(change: Change) -> str:
        stays = (
            f"{', '.join(change.stays)} stay{'s' * (len(change.stays) == 1)}"
            if change.stays
            else ""
        )
        licence = f"licence {' → '.join(change.licences)}" if change.licences else ""
        return "; ".join(filter(None, (where(change), plain(stays), plain(licence))))

    return notes


def where_of(diff: Diff) -> Callable[[Change], str]:
    """Says where a change happened, "" for everywhere: ``linux-64 only``, ``not on osx-64``."""
    known = {place for place, numbers in diff.counts.items() if numbers.get("kept")}
    known |= {where.place for change in diff.changes for where in change.where}
    told: dict[frozenset[Scope], str] = {}

    def where(change: Change) -> str:
        if change.everywhere:
            return ""
        places = frozenset(each.place for each in change.where)
        if places not in told:
            told[places] = plain(_where(places, known))
        return told[places]

    return where


def _where(places: frozenset[Scope], known: set[Scope]) -> str:
    environments, platforms = ({place[axis] for place in places} for axis in (0, 1))
    if len(places) != len(environments) * len(platforms):
        return _listed([" ".join(filter(None, place)) for place in places], len(known), "places")
    inside = _part(environments, {place.environment for place in known}, "in", "environments")
    on = _part(platforms, {place.platform for place in known}, "on", "platforms")
    if inside.endswith(" only") and on.endswith(" only"):
        return f"{inside.removesuffix(' only')} on {on}"
    return ", ".join(filter(None, (inside, on)))


def _part(some: set[str], every: set[str], word: str, things: str) -> str:
    if some >= every:
        return ""
    if len(missing := every - some) < min(len(some), NAMED):
        return f"not {word} {', '.join(sorted(missing))}"
    return _listed(some, len(every), things)


def _listed(names: Iterable[str], every: int, things: str) -> str:
    names = sorted(names)
    return (
        f"{', '.join(names)} only" if len(names) <= NAMED else f"{len(names)} of {every} {things}"
    )


def command(diff: Diff, *words: str) -> str:
    """The command line that shows more."""
    return plain(shlex.join(["orbiter", "diff-locks", diff.old.name, diff.new.name, *words]))
