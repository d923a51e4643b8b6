"""Vulnerabilities as all reports show them: sections of rows, and remarks on the rest. Pure."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from orbiter.advisories.assess import Assessment, Finding, in_image
from orbiter.advisories.compare import Comparison, compare
from orbiter.advisories.ignore import IgnoredFinding, Remainder
from orbiter.advisories.index import Database
from orbiter.advisories.severity import LEVELS
from orbiter.advisories.subjects import NotCovered, Subject
from orbiter.config.advisory_keys import IgnoredAdvisory
from orbiter.lockfiles.lock_set import INSTALLERS
from orbiter.report.phrases import MAX_LISTED, count_of, printable, shorten_digests

BY_NAME = "by name, not confirmed"
UNDECIDED = "a version, or a limit in the advisory, has no order"
ALL_PACKAGES = "all packages"


class Row(NamedTuple):
    """A vulnerability in one package; ``fixed`` is "" if no version fixes it."""

    severity: str
    level: str
    advisory: str
    package: str
    ecosystem: str
    versions: str
    fixed: str
    note: str
    summary: str


class VulnerabilitySection(NamedTuple):
    """Vulnerabilities under one heading."""

    key: str
    title: str
    rows: tuple[Row, ...]


class Remark(NamedTuple):
    """A statement about packages or decisions, which are listed below it."""

    title: str
    items: tuple[str, ...] = ()


class View(NamedTuple):
    """A whole report; ``images`` has the counts of each image."""

    title: str
    counts: str
    database: str
    digest: str
    images: tuple[tuple[str, str], ...]
    sections: tuple[VulnerabilitySection, ...]
    remarks: tuple[Remark, ...]


def view_of(name: str, remainder: Remainder) -> View:
    """Return the report on one lock."""
    found = remainder.assessment
    note = _notes(found)
    sections = (
        _section("affected", "Vulnerabilities", found.affected, note),
        _section("undecided", f"Undecided, because {UNDECIDED}", found.undecided, note),
        _ignored_section(remainder.ignored, note),
    )
    return View(
        title=printable(name),
        counts="; ".join((_counts(found), *_rest(remainder))),
        database=_database(found.database),
        digest=found.database.digest,
        images=tuple(
            (printable(image), _counts(in_image(found, image))) for image in _named(found)
        ),
        sections=tuple(section for section in sections if section.rows),
        remarks=tuple(_remarks(found, remainder.expired, remainder.unused)),
    )


def view_of_changes(title: str, old: Remainder, new: Remainder) -> View:
    """Return the report on the differences between two locks."""
    before, after = old.assessment, new.assessment
    found = compare(before, after)
    images = sorted({*_named(before), *_named(after)})
    return View(
        title=title,
        counts="; ".join((_changes(found), *_rest(new))),
        database=_database(after.database),
        digest=after.database.digest,
        images=tuple(
            (printable(image), _changes(compare(in_image(before, image), in_image(after, image))))
            for image in images
        ),
        sections=tuple(section for section in _change_sections(found, before, new) if section.rows),
        remarks=tuple(
            _remarks(after, new.expired, tuple(each for each in new.unused if each in old.unused))
        ),
    )


def _change_sections(
    found: Comparison, before: Assessment, new: Remainder
) -> Iterator[VulnerabilitySection]:
    note, old_note = _notes(new.assessment), _notes(before)
    removed = {each.finding for each in found.fixed if each.how == "removed"}
    came = {each.unit for each in found.undecided_appeared}
    left = {each.unit for each in found.changed_to_undecided}

    def note_undecided(finding: Finding) -> str:
        state = "affected before" * (finding.unit in left) or "new" * (finding.unit in came)
        return _join(state, note(finding))

    def note_fixed(finding: Finding) -> str:
        return _join("package removed" * (finding in removed), old_note(finding))

    changed = found.changed_from_undecided
    fixed = tuple(each.finding for each in found.fixed)
    yield _section("new", "New vulnerabilities", found.new, note)
    yield _section("decided", "Vulnerabilities that were undecided before", changed, note)
    yield _section(
        "undecided", f"Undecided, because {UNDECIDED}", found.undecided_new, note_undecided
    )
    yield _section("remaining", "Remaining vulnerabilities", found.remaining, note)
    yield _section("fixed", "Fixed vulnerabilities", fixed, note_fixed)
    yield _ignored_section(new.ignored, note)


def _section(
    key: str, title: str, findings: Iterable[Finding], note: Callable[[Finding], str]
) -> VulnerabilitySection:
    rows = tuple(_row(each, note(each)) for each in most_severe_first(findings))
    return VulnerabilitySection(key, f"{title} ({len(rows):,})", rows)


def _ignored_section(
    ignored: Iterable[IgnoredFinding], note: Callable[[Finding], str]
) -> VulnerabilitySection:
    decisions = {each.finding: each.decision for each in ignored}

    def note_ignored(finding: Finding) -> str:
        decision = decisions[finding]
        return _join(f"until {decision.until}: {decision.reason}", note(finding))

    return _section("ignored", "Ignored in images.toml", decisions, note_ignored)


def most_severe_first(findings: Iterable[Finding]) -> list[Finding]:
    """Sort findings by severity; an unknown one comes before a low one, because it may be high."""
    return sorted(
        findings,
        key=lambda each: (
            -_rank(each.severity.level),
            -(each.severity.score or 0),
            each.package,
            each.advisory,
        ),
    )


def _rank(level: str) -> float:
    return LEVELS.index("low") + 0.5 if level == "unknown" else LEVELS.index(level)


def _row(finding: Finding, note: str) -> Row:
    severity = finding.severity
    score = f" {severity.score}" if severity.score is not None else ""
    return Row(
        severity=f"{severity.level}{score}",
        level=severity.level,
        advisory=printable(finding.advisory),
        package=printable(finding.package),
        ecosystem=printable(finding.ecosystem),
        versions=printable(", ".join(finding.versions)),
        fixed=printable(" or ".join(finding.fixed)),
        note=printable(note),
        summary=printable(finding.summary.strip()),
    )


def _notes(assessment: Assessment) -> Callable[[Finding], str]:
    """Return a function for the remarks on a finding: its certainty, and its images if not all."""
    images = frozenset(assessment.images) - {INSTALLERS}

    def notes(finding: Finding) -> str:
        certainty = "" if finding.is_confirmed else BY_NAME
        return _join(certainty, _some(finding.images, images))

    return notes


def _some(own: tuple[str, ...], images: frozenset[str]) -> str:
    """Format the images of a finding: ``debian-base only``; "" for all images."""
    if images <= {*own}:
        return ""
    if len(own) > MAX_LISTED:
        return f"{len(own)} of {len(images)} images"
    return f"{', '.join(own)} only"


def _join(*parts: str) -> str:
    return "; ".join(filter(None, parts))


def _named(assessment: Assessment) -> tuple[str, ...]:
    """Return the images, or nothing for a lock that does not name them."""
    return tuple(filter(None, assessment.images))


def _counts(assessment: Assessment) -> str:
    """Format counts: ``3 vulnerabilities (1 high, 2 of unknown severity), 1 undecided``."""
    number = count_of(len(assessment.affected), "vulnerability")
    levels = _levels(assessment.affected)
    return f"{number}{levels}, {len(assessment.undecided):,} undecided"


def _levels(findings: Iterable[Finding]) -> str:
    counts = Counter(finding.severity.level for finding in findings)
    names = sorted(counts, key=_rank, reverse=True)
    parts = [f"{counts[level]:,} {_level(level)}" for level in names]
    return f" ({', '.join(parts)})" if parts else ""


def _level(level: str) -> str:
    return "of unknown severity" if level == "unknown" else level


def _changes(found: Comparison) -> str:
    """Format counts: ``3 fixed, 1 new (1 high), 5 remaining (…), 2 undecided``."""
    parts = [
        f"{len(found.fixed):,} fixed",
        f"{len(found.new):,} new{_levels(found.new)}",
        f"{len(found.remaining):,} remaining{_levels(found.remaining)}",
        f"{len(found.undecided_new):,} undecided",
    ]
    if changed := len(found.changed_from_undecided):
        parts.insert(2, f"{changed:,} undecided before")
    return ", ".join(parts)


def _rest(remainder: Remainder) -> Iterator[str]:
    """Yield the numbers of ignored findings, and of packages without a certain answer."""
    if remainder.ignored:
        yield f"{len(remainder.ignored):,} ignored"
    subjects = remainder.assessment.subjects
    if subjects.by_name:
        yield f"{count_of(_packages(subjects.by_name), 'package')} {BY_NAME}"
    if subjects.not_covered:
        yield f"{len(subjects.not_covered):,} not covered"


def _packages(subjects: Iterable[Subject]) -> int:
    return sum(len({(each.manager, each.package) for each in s.occurrences}) for s in subjects)


def _database(database: Database) -> str:
    counts = ", ".join(f"{name} {number:,}" for name, number in database.records.items())
    newest = database.newest.partition("T")[0]
    return printable(
        f"database {shorten_digests(database.digest)}, newest advisory {newest}, "
        f"advisories: {counts} (withdrawn: {database.withdrawn:,})"
    )


def _remarks(
    assessment: Assessment,
    expired: tuple[IgnoredAdvisory, ...],
    unused: tuple[IgnoredAdvisory, ...],
) -> Iterator[Remark]:
    """Yield what a reader must know before trusting that there are no more vulnerabilities."""
    subjects = assessment.subjects
    if by_name := subjects.by_name:
        items = sorted({_as_named(each) for each in by_name})
        packages = count_of(len(items), "package")
        yield Remark(f"{packages} {BY_NAME}: advisories are about another build", tuple(items))
    reasons: dict[str, set[str]] = {}
    for each in subjects.not_covered:
        reasons.setdefault(each.reason, set()).add(_as_locked(each))
    for reason, names in sorted(reasons.items()):
        packages = count_of(len(names), "package")
        yield Remark(f"{packages} not covered: {reason}", tuple(sorted(names)))
    if derived := _derived(subjects.covered):
        packages = count_of(derived, "Debian source package")
        yield Remark(f"{packages} with a version derived from that of the binary package")
    if expired:
        yield Remark("Expired in images.toml", tuple(map(_as_decided, expired)))
    if unused:
        yield Remark("Not needed in images.toml", tuple(map(_as_decided, unused)))


def _as_named(subject: Subject) -> str:
    locked = {f"{each.manager} {each.package}" for each in subject.occurrences}
    return printable(f"{', '.join(sorted(locked))} {subject.version} as {subject.name}")


def _as_locked(package: NotCovered) -> str:
    return printable(" ".join(filter(None, (package.manager, package.package, package.version))))


def _derived(subjects: Iterable[Subject]) -> int:
    return sum(
        any(each.certainty == "derived" for each in subject.occurrences) for subject in subjects
    )


def _as_decided(decision: IgnoredAdvisory) -> str:
    package = decision.package or ALL_PACKAGES
    return printable(f"{decision.id} ({package}) until {decision.until}: {decision.reason}")
