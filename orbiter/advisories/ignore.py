"""Findings that people decided to ignore, such as VEX statements list them. Pure."""

from collections.abc import Iterable
from datetime import date

import msgspec

from orbiter.advisories.assess import Assessment, Finding
from orbiter.config.advisory_keys import IgnoredAdvisory


class IgnoredFinding(msgspec.Struct, frozen=True):
    """A finding and the first decision about it."""

    finding: Finding
    decision: IgnoredAdvisory


class Remainder(msgspec.Struct, frozen=True, kw_only=True):
    """An answer without ignored findings.

    ``expired`` decisions count no longer, ``unused`` ones are about none of the findings.
    """

    assessment: Assessment
    ignored: tuple[IgnoredFinding, ...] = ()
    expired: tuple[IgnoredAdvisory, ...] = ()
    unused: tuple[IgnoredAdvisory, ...] = ()


def without_ignored(
    assessment: Assessment, decisions: Iterable[IgnoredAdvisory], today: date
) -> Remainder:
    """Return the answer without the findings that a decision is about, if it still counts."""
    decisions = tuple(decisions)
    expired = tuple(each for each in decisions if each.until < today)
    valid = tuple(each for each in decisions if each not in expired)
    findings = (*assessment.affected, *assessment.undecided)
    affected, undecided = (
        tuple(each for each in some if not _decision(each, valid))
        for some in (assessment.affected, assessment.undecided)
    )
    return Remainder(
        assessment=msgspec.structs.replace(assessment, affected=affected, undecided=undecided),
        ignored=tuple(
            IgnoredFinding(finding, decision)
            for finding in findings
            if (decision := _decision(finding, valid))
        ),
        expired=expired,
        unused=tuple(
            each for each in valid if not any(_is_about(each, finding) for finding in findings)
        ),
    )


def _decision(finding: Finding, decisions: tuple[IgnoredAdvisory, ...]) -> IgnoredAdvisory | None:
    return next((each for each in decisions if _is_about(each, finding)), None)


def _is_about(decision: IgnoredAdvisory, finding: Finding) -> bool:
    is_named = decision.id in {finding.advisory, *finding.ids}
    return is_named and decision.package in {"", finding.package}
