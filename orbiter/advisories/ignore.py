"""Findings that people decided to ignore, such as VEX statements list them. Pure."""

from datetime import date

import msgspec

from orbiter.advisories.assess import Assessment, Finding


class Ignore(msgspec.Struct, frozen=True, kw_only=True):
    """A decision about an advisory, by its name or the id of a record.

    ``package`` is "" for all packages. The decision is of ``date``.
    """

    advisory: str
    package: str = ""
    reason: str
    date: date

    def applies_to(self, finding: Finding) -> bool:
        """Return whether the decision is about a finding."""
        is_named = self.advisory in {finding.advisory, *finding.ids}
        return is_named and self.package in {"", finding.package}


class IgnoredFinding(msgspec.Struct, frozen=True):
    """A finding and the first decision about it."""

    finding: Finding
    decision: Ignore


class Remainder(msgspec.Struct, frozen=True, kw_only=True):
    """An answer without ignored findings; ``unused`` decisions are about none of them."""

    assessment: Assessment
    ignored: tuple[IgnoredFinding, ...]
    unused: tuple[Ignore, ...]


def without_ignored(assessment: Assessment, decisions: tuple[Ignore, ...]) -> Remainder:
    """Return the answer without the findings that a decision is about."""
    findings = (*assessment.affected, *assessment.undecided)
    ignored = [
        IgnoredFinding(finding, decision)
        for finding in findings
        if (decision := _decision(finding, decisions))
    ]
    return Remainder(
        assessment=msgspec.structs.replace(
            assessment,
            affected=tuple(each for each in assessment.affected if not _decision(each, decisions)),
            undecided=tuple(
                each for each in assessment.undecided if not _decision(each, decisions)
            ),
        ),
        ignored=tuple(ignored),
        unused=tuple(each for each in decisions if not any(map(each.applies_to, findings))),
    )


def _decision(finding: Finding, decisions: tuple[Ignore, ...]) -> Ignore | None:
    return next((each for each in decisions if each.applies_to(finding)), None)
