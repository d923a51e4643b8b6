"""Locked versions that OSV records of malicious packages name.

Their ids start with ``MAL-``: https://github.com/ossf/malicious-packages.
"""

from functools import cache

from orbiter.advisories.index import Index
from orbiter.advisories.ranges import status_of
from orbiter.advisories.subjects import SYSTEM, NotCovered, index_identity
from orbiter.lint.types import MaliciousLookup, Verdict
from orbiter.lockfiles.types import PackageEntry

PREFIX = "MAL-"
OF_DISTRIBUTIONS = "there are no records about packages of distributions"


def malicious_lookup(index: Index) -> MaliciousLookup:
    """Return a function that looks up entries of indexes and channels.

    Packages of distributions are not covered, and neither are ecosystems without records of
    malicious packages: an export may have only other advisories.
    """

    @cache
    def is_covered(ecosystem: str) -> bool:
        return index.has_records(ecosystem, PREFIX)

    def look_up(entry: PackageEntry) -> Verdict:
        if entry.manager in SYSTEM:
            return Verdict(not_covered=OF_DISTRIBUTIONS)
        identity = index_identity(entry)
        if isinstance(identity, NotCovered):
            return Verdict(not_covered=identity.reason)
        ecosystem, name, version, certainty = identity
        if not is_covered(ecosystem):
            return Verdict(not_covered=f"the database has no {PREFIX} records of {ecosystem}")
        records, undecided = _records(index, ecosystem, name, version)
        return Verdict(records=records, undecided=undecided, by_name=certainty == "by name")

    return look_up


def _records(
    index: Index, ecosystem: str, name: str, version: str
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the ids of the records that name a version, and of those that may name it."""
    found: dict[str, list[str]] = {"affected": [], "undecided": [], "unaffected": []}
    for _, advised in index.lookup(ecosystem, name):
        if advised.id.startswith(PREFIX):
            found[status_of(advised, version)].append(advised.id)
    return tuple(found["affected"]), tuple(found["undecided"])
