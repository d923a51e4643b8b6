"""The findings that differ between two lint runs. Pure."""

import re
from collections import Counter
from collections.abc import Iterator

import msgspec

from orbiter.lint.rules import Severity
from orbiter.lint.types import LintResult, not_checked_lines

NUMBERS = re.compile(r"\d[\d.,]*")
"""Counts and versions, which change although a finding remains."""

Key = tuple[str, str, str]


class ComparedFinding(msgspec.Struct, frozen=True, kw_only=True):
    """A finding with its file; ``line`` is 0 if it is unknown."""

    rule: str
    severity: Severity
    file: str
    line: int
    package: str
    message: str

    @property
    def key(self) -> Key:
        """Return what a finding has in common with itself in another lock."""
        text = "" if self.package else NUMBERS.sub("#", self.message)
        return self.rule, self.package, text


class LintChanges(msgspec.Struct, frozen=True, kw_only=True):
    """The findings that only one of two locks has, and the number of those that both have.

    ``not_checked`` lists rules and packages that were not checked in the new lock.
    """

    new: tuple[ComparedFinding, ...]
    fixed: tuple[ComparedFinding, ...]
    remaining: int
    not_checked: tuple[str, ...]


def compare(old: LintResult, new: LintResult) -> LintChanges:
    """Return the findings that are new, and those that were fixed.

    Findings are the same if their rule and package are. Others are compared by their message.
    """
    before, after = tuple(_findings(old)), tuple(_findings(new))
    added = tuple(_more(after, before))
    notes = tuple(f"{file.path}: {note}" for file in new.files for note in file.notes)
    return LintChanges(
        new=added,
        fixed=tuple(_more(before, after)),
        remaining=len(after) - len(added),
        not_checked=(*notes, *not_checked_lines(new)),
    )


def _findings(result: LintResult) -> Iterator[ComparedFinding]:
    for file in result.files:
        for each in file.findings:
            yield ComparedFinding(
                rule=each.rule,
                severity=each.severity,
                file=file.path,
                line=each.line,
                package=each.package,
                message=str(each.message),
            )


def _more(
    findings: tuple[ComparedFinding, ...], others: tuple[ComparedFinding, ...]
) -> Iterator[ComparedFinding]:
    """Yield the findings that the others do not have, or have fewer times."""
    left = Counter(each.key for each in others)
    for each in findings:
        if left[each.key] > 0:
            left[each.key] -= 1
        else:
            yield each
