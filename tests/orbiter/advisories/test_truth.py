"""Compare the answers with a table that a program without Orbiter's code computed."""

import gzip
import json
from collections.abc import Iterator
from typing import Any

import pytest

from orbiter.advisories.assess import Assessment, Finding, assess
from orbiter.advisories.compare import compare
from orbiter.advisories.index import open_index
from orbiter.advisories.subjects import subjects_of
from orbiter.lockfiles.named import load_lock
from orbiter.lockfiles.recognise import read
from orbiter.lockfiles.types import Lock
from tests.support.osv import OSV
from tests.support.paths import ROOT, TESTS

TRUTH: dict[str, Any] = json.loads((OSV / "truth.json").read_text(encoding="utf-8"))
RELEASES = {"old": "0.1.0", "new": "0.2.0"}
HOW = {"gone": "removed", "upgraded": "upgraded"}


def lock_of(case: str, side: str) -> Lock:
    if case.startswith("release"):
        return load_lock(RELEASES[side], ROOT / "locks")
    folder = TESTS / "data" / "locks" / "pairs" / case.removeprefix("shared/")
    (path,) = folder.glob(f"{side}.*")
    return read(path.name, gzip.decompress(path.read_bytes()))


def answer(lock: Lock) -> Assessment:
    index = open_index(OSV)
    try:
        return assess(subjects_of(lock), index.database, index.lookup)
    finally:
        index.close()


def as_in_truth(findings: tuple[Finding, ...]) -> list[dict[str, Any]]:
    return [
        {
            "advisory": finding.advisory,
            "ids": list(finding.ids),
            "ecosystem": finding.ecosystem,
            "package": finding.package,
            "versions": list(finding.versions),
        }
        for finding in findings
    ]


def undecided(findings: tuple[Finding, ...]) -> Iterator[list[str]]:
    for finding in findings:
        for name in finding.ids:
            for version in finding.versions:
                yield [name, finding.ecosystem, finding.package, version]


def ordered(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(items, key=lambda item: (item["advisory"], item["ecosystem"], item["package"]))


@pytest.mark.parametrize("case", TRUTH)
def test_equals_the_truth(case: str) -> None:
    expected = TRUTH[case]
    found = compare(answer(lock_of(case, "old")), answer(lock_of(case, "new")))
    fixed = as_in_truth(tuple(each.finding for each in found.fixed))
    how = [{**item, "how": each.how} for item, each in zip(fixed, found.fixed, strict=True)]
    wanted = [{**item, "how": HOW[item["how"]]} for item in expected["fixed"]]
    assert ordered(how) == ordered(wanted)
    assert ordered(as_in_truth(found.new)) == ordered(expected["new"])
    assert ordered(as_in_truth(found.remaining)) == ordered(expected["remaining"])
    assert sorted(undecided(found.undecided_old)) == sorted(expected["undecided"]["old"])
    assert sorted(undecided(found.undecided_new)) == sorted(expected["undecided"]["new"])
