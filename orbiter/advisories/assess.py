"""The advisories that affect the packages of a lock. Pure, except for the lookup."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

import msgspec

from orbiter.advisories.ecosystems import base_of
from orbiter.advisories.index import Database, require_ecosystems
from orbiter.advisories.ranges import fixed_versions, status_of
from orbiter.advisories.records import AdvisedPackage
from orbiter.advisories.severity import Severity, severity_of
from orbiter.advisories.subjects import Occurrence, Subject, Subjects

Lookup = Callable[[str, str], tuple[tuple[str, AdvisedPackage], ...]]
"""Returns the records about a package, each with the name of its advisory: ``Index.lookup``."""


class Unit(NamedTuple):
    """One vulnerability in one package, in any release of a distribution."""

    advisory: str
    ecosystem: str
    package: str


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """An advisory that affects a package, or may affect it.

    ``advisory`` is the name of a group of records, ``ids`` are the records that say so.
    ``versions`` are the affected ones in the lock, ``fixed`` those that the records name.
    """

    advisory: str
    ids: tuple[str, ...]
    ecosystem: str
    package: str
    versions: tuple[str, ...]
    fixed: tuple[str, ...]
    summary: str
    severity: Severity
    occurrences: tuple[Occurrence, ...]

    @property
    def unit(self) -> Unit:
        """The key that findings of two locks are compared by."""
        return Unit(self.advisory, base_of(self.ecosystem), self.package)

    @property
    def images(self) -> tuple[str, ...]:
        """Return the images with an affected package, sorted; "" for a lock without names."""
        return tuple(sorted({occurrence.environment for occurrence in self.occurrences}))

    @property
    def is_confirmed(self) -> bool:
        """Return whether a package was matched by more than its name."""
        return any(occurrence.certainty != "by name" for occurrence in self.occurrences)


class Assessment(msgspec.Struct, frozen=True, kw_only=True):
    """The answer for a lock, with the provenance of the database.

    ``undecided`` are findings about versions or ranges without an order. ``subjects`` are the
    packages of the lock, also those that cannot be looked up.
    """

    database: Database
    affected: tuple[Finding, ...]
    undecided: tuple[Finding, ...]
    subjects: Subjects

    @property
    def packages(self) -> frozenset[tuple[str, str]]:
        """Return the covered packages by ecosystem without a release."""
        return frozenset((base_of(each.ecosystem), each.name) for each in self.subjects.covered)

    @property
    def images(self) -> tuple[str, ...]:
        """Return the images with packages, sorted."""
        covered = (each for subject in self.subjects.covered for each in subject.occurrences)
        others = (name for each in self.subjects.not_covered for name in each.environments)
        return tuple(sorted({each.environment for each in covered}.union(others)))


class _Match(NamedTuple):
    """A subject, and the records of an advisory about it."""

    subject: Subject
    records: tuple[AdvisedPackage, ...]


def assess(subjects: Subjects, database: Database, lookup: Lookup) -> Assessment:
    """Return the advisories that affect packages.

    Raises ExpectedError if the database lacks the advisories of an ecosystem.
    """
    require_ecosystems(database, subjects.ecosystems)
    affected: dict[tuple[str, str, str], list[_Match]] = {}
    undecided: dict[tuple[str, str, str], list[_Match]] = {}
    for subject in subjects.covered:
        for advisory, hits, doubts in _matches(subject, lookup(subject.ecosystem, subject.name)):
            found, records = (affected, hits) if hits else (undecided, doubts)
            key = (advisory, subject.ecosystem, subject.name)
            found.setdefault(key, []).append(_Match(subject, records))
    return Assessment(
        database=database,
        affected=_findings(affected),
        undecided=_findings(undecided),
        subjects=subjects,
    )


def in_image(assessment: Assessment, image: str) -> Assessment:
    """Return the answer with the findings of one image only."""
    affected, undecided = (
        tuple(each for each in findings if image in each.images)
        for findings in (assessment.affected, assessment.undecided)
    )
    return msgspec.structs.replace(assessment, affected=affected, undecided=undecided)


def _matches(
    subject: Subject, records: Iterable[tuple[str, AdvisedPackage]]
) -> list[tuple[str, tuple[AdvisedPackage, ...], tuple[AdvisedPackage, ...]]]:
    """Return the records that affect a subject and those that may, by advisory."""
    hits: dict[str, list[AdvisedPackage]] = {}
    doubts: dict[str, list[AdvisedPackage]] = {}
    for advisory, advised in records:
        status = status_of(advised, subject.version)
        if status != "unaffected":
            (hits if status == "affected" else doubts).setdefault(advisory, []).append(advised)
    return [
        (advisory, tuple(hits.get(advisory, ())), tuple(doubts.get(advisory, ())))
        for advisory in sorted(hits.keys() | doubts.keys())
    ]


def _findings(matches: dict[tuple[str, str, str], list[_Match]]) -> tuple[Finding, ...]:
    return tuple(_finding(*key, found) for key, found in sorted(matches.items()))


def _finding(advisory: str, ecosystem: str, package: str, matches: list[_Match]) -> Finding:
    records = [record for match in matches for record in match.records]
    ids = sorted({record.id for record in records})
    occurrences = {each for match in matches for each in match.subject.occurrences}
    return Finding(
        advisory=advisory,
        ids=tuple(ids),
        ecosystem=ecosystem,
        package=package,
        versions=tuple(sorted({match.subject.version for match in matches})),
        fixed=tuple(sorted(frozenset().union(*map(fixed_versions, records)))),
        summary=next((record.summary for record in records if record.summary), ""),
        severity=severity_of(
            [vector for record in records for vector in record.vectors],
            [record.rating for record in records if record.rating],
            ids,
        ),
        occurrences=tuple(sorted(occurrences)),
    )
