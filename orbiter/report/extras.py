"""Answers to further questions about two locks, as sections that each report format renders."""

from collections.abc import Iterable

import msgspec

from orbiter.licences.model import LicenceChanges
from orbiter.lint.compare import LintChanges
from orbiter.report.phrases import count_of, printable


class ExtraSection(msgspec.Struct, frozen=True, kw_only=True):
    """A list; ``key`` is unique in a report and part of the ids of HTML elements."""

    key: str
    title: str
    lines: tuple[str, ...]


class Extra(msgspec.Struct, frozen=True, kw_only=True):
    """An answer: its title, one sentence with the counts, and sections that are not empty."""

    key: str
    title: str
    counts: str
    sections: tuple[ExtraSection, ...]


def extras_of(
    licences: LicenceChanges | None = None, lint: LintChanges | None = None
) -> tuple[Extra, ...]:
    """Return the answers that were asked for."""
    found = []
    if licences:
        found.append(_licences(licences))
    if lint:
        found.append(_lint(lint))
    return tuple(found)


def _licences(changes: LicenceChanges) -> Extra:
    denied = (
        f"{each.name} ({each.manager}): {', '.join(each.licences)}" for each in changes.denied
    )
    changed = (
        f"{each.name} ({each.manager}): {_joined(each.old)} → {_joined(each.new)}"
        for each in changes.changed
    )
    introduced, dropped = (
        (f"{use.licence}: {', '.join(use.packages)}" for use in uses)
        for uses in (changes.introduced, changes.dropped)
    )
    sections = (
        _section("licences-denied", "Denied licences", denied),
        _section("licences-introduced", "New licences", introduced),
        _section("licences-changed", "Packages with another licence", changed),
        _section("licences-dropped", "Licences that no package has any more", dropped),
    )
    return Extra(
        key="licences",
        title="Licences",
        counts=_licence_counts(changes),
        sections=tuple(each for each in sections if each.lines),
    )


def _licence_counts(changes: LicenceChanges) -> str:
    counts = (
        f"{count_of(len(changes.denied), 'package')} denied",
        f"{count_of(len(changes.introduced), 'licence')} new",
        f"{count_of(len(changes.changed), 'package')} with another licence",
    )
    unknown = count_of(changes.unknown_old, "package")
    if not changes.unknown_old and not changes.unknown_new:
        return ", ".join(counts)
    return (
        f"{', '.join(counts)}. {unknown} before and {changes.unknown_new:,} now have no known "
        "licence, so these lists may be incomplete"
    )


def _joined(licences: tuple[str, ...]) -> str:
    return " or ".join(licences)


def _lint(changes: LintChanges) -> Extra:
    new, gone = (
        (f"{each.file}: {each.severity}: {each.rule}: {each.message}" for each in findings)
        for findings in (changes.new, changes.fixed)
    )
    counts = f"{len(changes.new):,} new, {len(changes.fixed):,} fixed, {changes.remaining:,} remain"
    sections = (
        _section("lint-new", "New findings of orbiter lint", new),
        _section("lint-fixed", "Fixed findings of orbiter lint", gone),
        _section("lint-rest", "Not checked", changes.not_checked),
    )
    return Extra(
        key="lint",
        title="Findings of orbiter lint",
        counts=counts,
        sections=tuple(each for each in sections if each.lines),
    )


def _section(key: str, title: str, lines: Iterable[str]) -> ExtraSection:
    shown = tuple(map(printable, lines))
    return ExtraSection(key=key, title=f"{title} ({len(shown):,})", lines=shown)
