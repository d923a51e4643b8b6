"""The vulnerabilities that differ between two locks. Pure."""

from collections.abc import Container
from typing import Literal

import msgspec

from orbiter.advisories.assess import Assessment, Finding


class FixedFinding(msgspec.Struct, frozen=True):
    """A vulnerability of the old lock only; its package has another version or is removed."""

    finding: Finding
    how: Literal["upgraded", "removed"]


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """The vulnerabilities of two locks; ``remaining`` findings are those of the new lock.

    A vulnerability that is undecided in the other lock is neither fixed nor new.
    """

    fixed: tuple[FixedFinding, ...]
    new: tuple[Finding, ...]
    remaining: tuple[Finding, ...]
    changed_to_undecided: tuple[Finding, ...]
    changed_from_undecided: tuple[Finding, ...]
    undecided_old: tuple[Finding, ...]
    undecided_new: tuple[Finding, ...]

    @property
    def undecided_appeared(self) -> tuple[Finding, ...]:
        """Return undecided ones of the new lock that the old lock has in no way."""
        old = {each.finding.unit for each in self.fixed}
        old |= {each.unit for each in (*self.remaining, *self.undecided_old)}
        old |= {each.unit for each in self.changed_to_undecided}
        return tuple(each for each in self.undecided_new if each.unit not in old)


def compare(old: Assessment, new: Assessment) -> Comparison:
    """Return the vulnerabilities that were fixed, are new, or remain."""
    before, after = ({each.unit for each in side.affected} for side in (old, new))
    doubts_before, doubts_after = ({each.unit for each in side.undecided} for side in (old, new))
    packages = new.packages
    left = [each for each in old.affected if each.unit not in after]
    came = [each for each in new.affected if each.unit not in before]
    return Comparison(
        fixed=tuple(_fixed(each, packages) for each in left if each.unit not in doubts_after),
        new=tuple(each for each in came if each.unit not in doubts_before),
        remaining=tuple(each for each in new.affected if each.unit in before),
        changed_to_undecided=tuple(each for each in left if each.unit in doubts_after),
        changed_from_undecided=tuple(each for each in came if each.unit in doubts_before),
        undecided_old=old.undecided,
        undecided_new=new.undecided,
    )


def _fixed(finding: Finding, packages: Container[tuple[str, str]]) -> FixedFinding:
    is_there = (finding.unit.ecosystem, finding.package) in packages
    return FixedFinding(finding, "upgraded" if is_there else "removed")
