"""Phrases that all reports share."""

import re
import shlex
from collections import Counter
from collections.abc import Callable, Iterable

from orbiter.diff.types import (
    KINDS,
    Change,
    Diff,
    FileChange,
    Occurrence,
    Side,
    Suggestion,
    Variant,
)
from orbiter.lockfiles.types import Scope
from orbiter.sizes import format_size, format_size_change

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

DETAILS = {"rebuilt": "builds", "moved": "sources"}

OTHERS = frozenset({"other builds", "other sources", "other files", "other hash"})
"""Phrases that replace a new version that cannot be named."""

NOW_ALSO = "now also "
NO_LONGER = "no longer "

STEPS = ("major", "minor", "patch", "build", "")
"""All steps, the largest first."""

MAX_LISTED = 3
"""Scopes or links of a chain that are listed; more are counted or left out."""

DIGEST = re.compile(r"\b(?:sha\d+|md5|blake2b):([0-9a-f]{12})[0-9a-f]{20,}")
BARE_DIGEST = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{52,}\b")


def printable(text: str) -> str:
    """Replace characters that could control a terminal or reverse a line."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else "\ufffd" for character in text)


def title(diff: Diff) -> str:
    """Format the title: ``0.1.0 → 0.2.0``."""
    return f"{_side_name(diff.old, diff.new)} → {_side_name(diff.new, diff.old)}"


def _side_name(side: Side, other: Side) -> str:
    has_release = side.release and other.release not in {"", side.release}
    return printable(side.release if has_release else side.name)


def tally(diff: Diff) -> dict[str, int]:
    """Count the packages of each kind, in the order of KINDS, without zeros."""
    return count_kinds(diff.changes)


def count_kinds(changes: Iterable[Change]) -> dict[str, int]:
    """Count the packages of each kind; one with several changes of a kind counts once."""
    packages = {(change.kind, change.manager, change.name) for change in changes}
    counts = Counter(kind for kind, _, _ in packages)
    return {kind: counts[kind] for kind in KINDS if counts[kind]}


def altered(diff: Diff) -> tuple[Change, ...]:
    """Return the changes that indicate tampering."""
    return tuple(change for change in diff.changes if change.altered)


def is_elsewhere(change: Change) -> bool:
    """Return whether another version or another file comes from another source than before."""
    return change.elsewhere or change.sources is not None


def underived(diff: Diff) -> tuple[FileChange, ...]:
    """Return the files that do not follow from the lock files."""
    return tuple(file for file in diff.files if file.problem)


def file_counts(file: FileChange) -> str:
    """Format the number of lines that only one side has: ``+2 -1``."""
    added = sum(line.startswith("+") for line in file.lines)
    removed = sum(line.startswith("-") for line in file.lines)
    return f"+{added:,} -{removed:,}"


def counts(diff: Diff) -> str:
    """Format the counts: ``12 added, 3 removed; 339 unchanged``, altered packages first."""
    parts = []
    if number := len(altered(diff)):
        parts.append(f"{number:,} ALTERED")
    if number := len(underived(diff)):
        parts.append(f"{count_of(number, 'FILE')} NOT FROM THE LOCK FILES")
    if diff.faults:
        parts.append(f"{count_of(len(diff.faults), 'entry')} with a file of another package")
    if number := sum(map(is_elsewhere, diff.changes)):
        parts.append(f"{number:,} from another source")
    kinds = ", ".join(f"{number:,} {kind}" for kind, number in tally(diff).items())
    parts.append(kinds or _no_changes(diff))
    if diff.left_out:
        parts.append(f"{count_of(diff.left_out, 'other change')} left out")
    parts.append(f"{diff.kept:,} unchanged")
    return "; ".join(parts)


def _no_changes(diff: Diff) -> str:
    if diff.left_out:
        return "no such change"
    others = []
    if diff.facts:
        others.append(count_of(len(diff.facts), "other value"))
    if number := sum(file.kind != "kept" for file in diff.files):
        others.append(count_of(number, "build file"))
    if not others:
        return "no package changed"
    return f"no package changed, but {' and '.join(others)} did"


def count_of(number: int, noun: str) -> str:
    """Format a number with its noun: ``1 package``, ``2 packages``."""
    if number == 1:
        return f"1 {noun}"
    if noun.endswith("y"):
        return f"{number:,} {noun[:-1]}ies"
    return f"{number:,} {noun}{'S' if noun.isupper() else 's'}"


def summary(diff: Diff) -> str:
    """Return the title and the counts in one line."""
    return f"{title(diff)}: {counts(diff)}"


def suggestion(suggested: Suggestion) -> str:
    """Format a suggestion: ``suggested release: 0.2.0 (minor: numpy 1.26 → 2.0)``.

    Only the step is known if the old side is not a release.
    """
    if not suggested.step:
        return "no new release is needed: nothing changed"
    reason = printable(suggested.reason)
    if suggested.release:
        details = ": ".join(filter(None, (suggested.step, reason)))
        return f"suggested release: {suggested.release} ({details})"
    step_only = f"suggested step: {suggested.step}"
    return f"{step_only} ({reason})" if reason else step_only


def download(diff: Diff) -> str:
    """Format the growth of the download: ``download: +12.3 MB (2 of unknown size)``.

    It includes the total of lock sets: ``download: 512.0 MB → 524.3 MB (+12.3 MB)``.
    "" with several scopes, which share downloads, or without a known size.
    """
    old, new = diff.old.download, diff.new.download
    if old and new:
        total = f"download: {format_size(old)} → {format_size(new)}"
        if growth := format_size_change(new - old):
            total += f" ({growth})"
        unsized = max(diff.old.unsized, diff.new.unsized)
        return f"{total}, without {count_of(unsized, 'file')} of unknown size" if unsized else total
    known = [change.grown for change in diff.changes if change.grown is not None]
    if len(diff.counts) != 1 or not sum(known):
        return ""
    growth = f"download: {format_size_change(sum(known))}"
    unknown = len(diff.changes) - len(known)
    return f"{growth} ({unknown:,} of unknown size)" if unknown else growth


def versions(change: Change) -> tuple[str, str]:
    """Return the old and the new version.

    If the version is the same, they include the builds or sources, as written in the locks.
    If only the number of copies changed, as npm allows, they say so in words.
    """
    old, new = printable(", ".join(change.old)), printable(", ".join(change.new))
    if change.stays and not old:
        return "", f"{NOW_ALSO}{new}"
    if change.stays and not new:
        return f"{NO_LONGER}{old}", ""
    if change.kind not in {"rebuilt", "moved"}:
        return old, new
    details = {_detail(change, occurrence) for occurrence in change.where}
    if all(old_detail == new_detail for old_detail, new_detail in details):
        return old, "other hash" if change.altered else "other files"
    if len(details) > 1:
        return old, f"other {DETAILS[change.kind]}"
    old_detail, new_detail = details.pop()
    return f"{old} {old_detail}".rstrip(), new_detail


def is_words(version: str) -> bool:
    """Return whether the text of a version is a phrase."""
    return version in OTHERS or version.startswith((NOW_ALSO, NO_LONGER))


def step(change: Change) -> str:
    """Return the step of a change; "" for the same version, which the kind implies."""
    return "" if change.step == "build" else change.step


def _detail(change: Change, occurrence: Occurrence) -> tuple[str, str]:
    """Return the old and new builds in one scope; for a moved package, the sources."""
    describe = _sources if change.kind == "moved" else _builds
    return describe(occurrence.old), describe(occurrence.new)


def _sources(variants: Iterable[Variant]) -> str:
    return _join_distinct(variant.source or "(default)" for variant in variants)


def _builds(variants: Iterable[Variant]) -> str:
    return _join_distinct(variant.build for variant in variants)


def _join_distinct(texts: Iterable[str]) -> str:
    return printable(", ".join(sorted(set(filter(None, texts)))))


def by_scope(change: Change) -> list[str]:
    """Return the scopes of a change, with details if these differ: ``linux-64: h7_1 → h8_2``."""
    has_details = versions(change)[1] in {"other builds", "other sources"}
    lines = []
    for occurrence in change.where:
        name = _scope_name(occurrence.scope)
        lines.append(f"{name}: {_change_in_scope(change, occurrence)}" if has_details else name)
    return lines


def _scope_name(scope: Scope) -> str:
    return printable(" ".join(filter(None, scope))) or "all"


def _change_in_scope(change: Change, occurrence: Occurrence) -> str:
    old, new = _detail(change, occurrence)
    return f"{old or 'none'} → {new or 'none'}" if old != new else "other files"


def arrow(change: Change) -> str:
    """Return the versions in one text: ``1.26 → 2.0``, or the only one."""
    return " → ".join(filter(None, versions(change)))


def shorten_digests(text: str) -> str:
    """Cut digests in a text to 12 hexadecimal digits."""
    return printable(BARE_DIGEST.sub(r"\1", DIGEST.sub(r"\1", text)))


def notes_of(diff: Diff) -> Callable[[Change], str]:
    """Return a function for the remarks on a change: its scopes, other versions, licences."""
    format_scopes = scopes_of(diff)

    def notes(change: Change) -> str:
        parts = [_provenance(change), format_scopes(change)]
        if change.stays:
            verb = "stays" if len(change.stays) == 1 else "stay"
            parts.append(printable(f"{', '.join(change.stays)} {verb}"))
        if change.licences:
            parts.append(printable(f"licence {' → '.join(change.licences)}"))
        return "; ".join(filter(None, parts))

    return notes


def _provenance(change: Change) -> str:
    """Format the sources of another version, and whether a file was replaced."""
    parts = []
    if change.elsewhere:
        parts.append("another file from elsewhere")
    if change.sources:
        old, new = change.sources
        parts.append(f"from {new}, not {old}")
    return printable("; ".join(parts))


def scopes_of(diff: Diff) -> Callable[[Change], str]:
    """Return a function for the scopes of a change: ``linux-64 only``, ``not on osx-64``.

    It returns "" for a change in all scopes.
    """
    # A scope that only one side has contains no changes.
    known = {scope for scope, numbers in diff.counts.items() if numbers.get("kept")}
    known |= {occurrence.scope for change in diff.changes for occurrence in change.where}
    formatted: dict[frozenset[Scope], str] = {}

    def format_scopes(change: Change) -> str:
        if change.everywhere:
            return ""
        scopes = frozenset(occurrence.scope for occurrence in change.where)
        # Many changes have the same scopes.
        if scopes not in formatted:
            formatted[scopes] = printable(_format_scopes(scopes, known))
        return formatted[scopes]

    return format_scopes


def _format_scopes(scopes: frozenset[Scope], known: set[Scope]) -> str:
    environments = {scope.environment for scope in scopes}
    platforms = {scope.platform for scope in scopes}
    if len(scopes) != len(environments) * len(platforms):
        names = (" ".join(filter(None, scope)) for scope in scopes)
        return _only(names, len(known), "places")
    within = _format_names(environments, {scope.environment for scope in known}, "in environments")
    on = _format_names(platforms, {scope.platform for scope in known}, "on platforms")
    if within.endswith(" only") and on.endswith(" only"):
        return f"{within.removesuffix(' only')} on {on}"
    return ", ".join(filter(None, (within, on)))


def _format_names(names: set[str], known: set[str], phrase: str) -> str:
    """Format environments or platforms: the missing ones if they are few, else the names.

    ``phrase`` is the preposition and the noun.
    """
    preposition, noun = phrase.split()
    missing = known - names
    if not missing:
        return ""
    if len(missing) < min(len(names), MAX_LISTED):
        return f"not {preposition} {', '.join(sorted(missing))}"
    return _only(names, len(known), noun)


def _only(names: Iterable[str], total: int, noun: str) -> str:
    listed = sorted(names)
    if len(listed) > MAX_LISTED:
        return f"{len(listed)} of {total} {noun}"
    return f"{', '.join(listed)} only"


def command(diff: Diff, *options: str) -> str:
    """Return the command line of a diff with more options."""
    return printable(shlex.join(["orbiter", "diff-locks", diff.old.name, diff.new.name, *options]))
