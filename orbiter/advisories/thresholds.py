"""The findings that make a check fail. Pure."""

from collections.abc import Iterable

from orbiter.advisories.assess import Finding
from orbiter.advisories.compare import Comparison

SEVERITIES = ("low", "medium", "high", "critical")
"""The severities that a check can ask for; each includes those after it."""
NEW = "new"
"""The condition for vulnerabilities that the old lock does not have."""


def reaching(findings: Iterable[Finding], levels: Iterable[str]) -> tuple[Finding, ...]:
    """Return the findings whose severity reaches one of the levels."""
    levels = tuple(levels)
    return tuple(each for each in findings if any(map(each.severity.reaches, levels)))


def unrated(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return the findings of unknown severity, which reach no level."""
    return tuple(each for each in findings if each.severity.level == "unknown")


def new_findings(found: Comparison) -> tuple[Finding, ...]:
    """Return the findings of the new lock that the old one does not have for certain."""
    return (*found.new, *found.changed_from_undecided, *found.undecided_appeared)
