"""Compare the answers with a table that a program without Orbiter's code computed."""

from pathlib import Path
from typing import Any

import pytest

from orbiter.advisories.assess import Assessment, Finding, assess
from orbiter.advisories.compare import compare
from orbiter.advisories.index import open_index
from orbiter.advisories.subjects import subjects_of
from orbiter.lockfiles.named import load_lock
from orbiter.lockfiles.types import Lock
from tests.support.osv import OSV
from tests.support.osv_truth import KEYS, TRUTH, fixed_in, ordered, undecided, write_lock


def answer(lock: Lock) -> Assessment:
    index = open_index(OSV)
    try:
        return assess(subjects_of(lock), index.database, index.lookup)
    finally:
        index.close()


def as_in_truth(findings: tuple[Finding, ...]) -> list[dict[str, Any]]:
    values = ([getattr(finding, key) for key in KEYS] for finding in findings)
    return [
        {"advisory": name, "ids": [*ids], "ecosystem": eco, "package": package, "versions": [*all_]}
        for name, ids, eco, package, all_ in values
    ]


@pytest.mark.parametrize("case", TRUTH)
def test_equals_the_truth(case: str, tmp_path: Path) -> None:
    expected = TRUTH[case]
    old, new = (answer(load_lock(write_lock(case, side, tmp_path))) for side in ("old", "new"))
    found = compare(old, new)
    fixed = as_in_truth(tuple(each.finding for each in found.fixed))
    how = [{**item, "how": each.how} for item, each in zip(fixed, found.fixed, strict=True)]
    assert ordered(how) == fixed_in(case)
    assert ordered(as_in_truth(found.new)) == ordered(expected["new"])
    assert ordered(as_in_truth(found.remaining)) == ordered(expected["remaining"])
    for side, findings in (("old", found.undecided_old), ("new", found.undecided_new)):
        assert sorted(undecided(as_in_truth(findings))) == sorted(expected["undecided"][side])
