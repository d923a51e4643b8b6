"""Locked versions that are known as malicious, by a database that the caller looks up."""

from collections import Counter
from collections.abc import Iterable, Iterator

from orbiter.lint.entries import finding
from orbiter.lint.lines import Lines
from orbiter.lint.types import Finding, Settings, UncheckedRule
from orbiter.lockfiles.types import PackageEntry

RULE = "malicious-version"
NO_DATABASE = "there is no database of known malicious versions (--database)"


def not_checked(settings: Settings) -> tuple[UncheckedRule, ...]:
    """Return the rule if the settings have no database for it."""
    if settings.malicious or RULE in settings.ignored:
        return ()
    return (UncheckedRule(rule=RULE, reason=NO_DATABASE),)


def find_malicious(
    entries: Iterable[PackageEntry], lines: Lines, settings: Settings
) -> Iterator[Finding]:
    """Yield the entries whose version a database reports as malicious."""
    if settings.malicious is None:
        return
    for entry in entries:
        verdict = settings.malicious(entry)
        if verdict.records:
            records = ", ".join(verdict.records)
            how = ", only the name and the version were compared" if verdict.by_name else ""
            yield finding(RULE, entry, lines, f"{records}{how}")


def not_covered(entries: Iterable[PackageEntry], settings: Settings) -> Iterator[str]:
    """Yield the versions that the database cannot answer for, grouped by the reason."""
    if settings.malicious is None or RULE in settings.ignored:
        return
    reasons: Counter[tuple[str, str]] = Counter()
    for entry in entries:
        verdict = settings.malicious(entry)
        if verdict.not_covered:
            reasons[entry.manager, verdict.not_covered] += 1
        if verdict.undecided:
            records = ", ".join(verdict.undecided)
            yield f"{RULE}: {entry.name} {entry.version} is undecided: {records}"
    for (manager, reason), number in sorted(reasons.items()):
        noun = "package" if number == 1 else "packages"
        yield f"{RULE}: not checked for {number:,} {manager} {noun}: {reason}"
