"""Vulnerabilities as JSON, format 1, and its JSON Schema.

Programs read this format: keys and their order stay, and new keys may be added.
"""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from orbiter.advisories.assess import Assessment, Finding
from orbiter.advisories.compare import compare
from orbiter.advisories.ignore import IgnoredFinding, Remainder
from orbiter.advisories.severity import Level
from orbiter.advisories.subjects import Occurrence
from orbiter.config.advisory_keys import IgnoredAdvisory
from orbiter.report.vulnerabilities.view import most_severe_first

Number = Annotated[int, Meta(ge=0)]
Certainty = Annotated[
    Literal["exact", "derived", "by name"],
    Meta(
        description="derived: the version of a Debian source package follows from that of the "
        "binary package; by name: nothing but the name identifies the package, not confirmed"
    ),
]


class DatabaseUsed(msgspec.Struct, frozen=True, kw_only=True):
    """The database: its digest, the time of its newest advisory, and its advisories."""

    digest: str
    newest: str
    records: Annotated[Mapping[str, Number], Meta(description="advisories by ecosystem")]
    withdrawn: Annotated[Number, Meta(description="withdrawn ones, which are skipped")]


class LockedPackage(msgspec.Struct, frozen=True, kw_only=True):
    """A locked package in an image on a platform, and the certainty of the match."""

    image: str
    platform: str
    manager: str
    name: str
    version: str
    certainty: Certainty


class Vulnerability(msgspec.Struct, frozen=True, kw_only=True):
    """An advisory that affects a package, or may affect it."""

    advisory: Annotated[str, Meta(description="the CVE of the group, or else its GHSA id, or id")]
    ids: Annotated[tuple[str, ...], Meta(description="the records that say so")]
    ecosystem: str
    package: str
    versions: Annotated[tuple[str, ...], Meta(description="the versions in the lock")]
    fixed: Annotated[tuple[str, ...], Meta(description="the versions with the correction")]
    severity: Level
    score: Annotated[float | None, Meta(description="the CVSS score; null without one")]
    vector: Annotated[str, Meta(description="the CVSS vector of the score")]
    summary: str
    confirmed: Annotated[bool, Meta(description="false if only the name matches")]
    packages: tuple[LockedPackage, ...]


class FixedVulnerability(msgspec.Struct, frozen=True, kw_only=True):
    """A vulnerability of the old lock only."""

    how: Literal["upgraded", "removed"]
    vulnerability: Vulnerability


class IgnoredVulnerability(msgspec.Struct, frozen=True, kw_only=True):
    """A vulnerability that images.toml ignores, and until when."""

    reason: str
    until: str
    vulnerability: Vulnerability


class PackageByName(msgspec.Struct, frozen=True, kw_only=True):
    """A package of the lock that was looked up by its name, which is not confirmed."""

    ecosystem: str
    name: str
    version: str
    packages: tuple[LockedPackage, ...]


class PackageNotCovered(msgspec.Struct, frozen=True, kw_only=True):
    """A package that cannot be looked up, which does not mean that it is clean."""

    manager: str
    name: str
    version: str
    reason: str
    images: Annotated[
        tuple[str, ...], Meta(description="empty for what is not a package, such as a base image")
    ]


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """A decision in images.toml that has no effect."""

    id: str
    package: str
    reason: str
    until: str


class VulnerabilityReport(msgspec.Struct, frozen=True, kw_only=True):
    """The vulnerabilities of one lock, the most severe first."""

    format: Literal[1] = 1
    name: Annotated[str, Meta(description="the release")]
    database: DatabaseUsed
    affected: tuple[Vulnerability, ...]
    undecided: tuple[Vulnerability, ...]
    ignored: tuple[IgnoredVulnerability, ...]
    by_name: tuple[PackageByName, ...]
    not_covered: tuple[PackageNotCovered, ...]
    expired: tuple[Decision, ...]
    unused: tuple[Decision, ...]


class VulnerabilityChanges(msgspec.Struct, frozen=True, kw_only=True):
    """The vulnerabilities of two locks; ``ignored`` and the keys after it are of the new one.

    A vulnerability that is undecided in the other lock is neither fixed nor new.
    """

    database: DatabaseUsed
    fixed: tuple[FixedVulnerability, ...]
    new: tuple[Vulnerability, ...]
    remaining: tuple[Vulnerability, ...]
    changed_to_undecided: tuple[Vulnerability, ...]
    changed_from_undecided: tuple[Vulnerability, ...]
    undecided_old: tuple[Vulnerability, ...]
    undecided_new: tuple[Vulnerability, ...]
    ignored: tuple[IgnoredVulnerability, ...]
    by_name: tuple[PackageByName, ...]
    not_covered: tuple[PackageNotCovered, ...]
    expired: tuple[Decision, ...]
    unused: tuple[Decision, ...]


def render(name: str, remainder: Remainder) -> str:
    """Return the report on one lock as indented JSON."""
    found = remainder.assessment
    report = VulnerabilityReport(
        name=name,
        database=_database(found),
        affected=_all(found.affected),
        undecided=_all(found.undecided),
        **_rest(remainder, remainder.unused),
    )
    return msgspec.json.format(msgspec.json.encode(report)).decode() + "\n"


def schema() -> dict[str, Any]:
    """Return the JSON Schema of the report on one lock."""
    found = msgspec.json.schema(VulnerabilityReport)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **found}


def changes(old: Remainder, new: Remainder) -> VulnerabilityChanges:
    """Return the part of the report of ``diff-locks``."""
    found = compare(old.assessment, new.assessment)
    return VulnerabilityChanges(
        database=_database(new.assessment),
        fixed=tuple(
            FixedVulnerability(how=each.how, vulnerability=_one(each.finding))
            for each in found.fixed
        ),
        new=_all(found.new),
        remaining=_all(found.remaining),
        changed_to_undecided=_all(found.changed_to_undecided),
        changed_from_undecided=_all(found.changed_from_undecided),
        undecided_old=_all(found.undecided_old),
        undecided_new=_all(found.undecided_new),
        **_rest(new, tuple(each for each in new.unused if each in old.unused)),
    )


def _database(found: Assessment) -> DatabaseUsed:
    database = found.database
    return DatabaseUsed(
        digest=database.digest,
        newest=database.newest,
        records=database.records,
        withdrawn=database.withdrawn,
    )


def _all(findings: Iterable[Finding]) -> tuple[Vulnerability, ...]:
    return tuple(map(_one, most_severe_first(findings)))


def _one(finding: Finding) -> Vulnerability:
    return Vulnerability(
        advisory=finding.advisory,
        ids=finding.ids,
        ecosystem=finding.ecosystem,
        package=finding.package,
        versions=finding.versions,
        fixed=finding.fixed,
        severity=finding.severity.level,
        score=finding.severity.score,
        vector=finding.severity.vector,
        summary=finding.summary,
        confirmed=finding.is_confirmed,
        packages=_packages(finding.occurrences),
    )


def _packages(occurrences: Iterable[Occurrence]) -> tuple[LockedPackage, ...]:
    return tuple(
        LockedPackage(
            image=each.environment,
            platform=each.platform,
            manager=each.manager,
            name=each.package,
            version=each.version,
            certainty=each.certainty,
        )
        for each in occurrences
    )


def _rest(remainder: Remainder, unused: tuple[IgnoredAdvisory, ...]) -> dict[str, Any]:
    subjects = remainder.assessment.subjects
    return {
        "ignored": tuple(map(_ignored, remainder.ignored)),
        "by_name": tuple(
            PackageByName(
                ecosystem=each.ecosystem,
                name=each.name,
                version=each.version,
                packages=_packages(each.occurrences),
            )
            for each in subjects.by_name
        ),
        "not_covered": tuple(
            PackageNotCovered(
                manager=each.manager,
                name=each.package,
                version=each.version,
                reason=each.reason,
                images=each.environments,
            )
            for each in subjects.not_covered
        ),
        "expired": tuple(map(_decision, remainder.expired)),
        "unused": tuple(map(_decision, unused)),
    }


def _ignored(each: IgnoredFinding) -> IgnoredVulnerability:
    return IgnoredVulnerability(
        reason=each.decision.reason,
        until=each.decision.until.isoformat(),
        vulnerability=_one(each.finding),
    )


def _decision(each: IgnoredAdvisory) -> Decision:
    return Decision(
        id=each.id, package=each.package, reason=each.reason, until=each.until.isoformat()
    )
