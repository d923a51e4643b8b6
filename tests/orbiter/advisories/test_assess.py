from contextlib import closing
from datetime import UTC, date, datetime, timedelta

import pytest

from orbiter.advisories import thresholds
from orbiter.advisories.age import require_recent
from orbiter.advisories.assess import Assessment, assess
from orbiter.advisories.compare import compare
from orbiter.advisories.ignore import without_ignored
from orbiter.advisories.index import Database, open_index
from orbiter.advisories.subjects import restrict, subjects_of
from orbiter.advisories.thresholds import reaching
from orbiter.cli import diff_locks, vulnerabilities
from orbiter.config.advisory_keys import IgnoredAdvisory
from orbiter.lockfiles.types import Lock, PackageEntry, Scope
from resolvers.errors import ExpectedError
from tests.support.osv import OSV


def answer(only: str = "", /, **images: tuple[str, ...]) -> Assessment:
    """Return the answer for images with packages, written as ``manager:name:version``.

    ``only`` names the image to answer for, if not for all.
    """
    packages = {}
    for image, texts in images.items():
        entries = []
        for text in texts:
            manager, name, version = text.split(":")
            build = "pyhd8ed1ab_0" if manager == "conda" else ""
            entries.append(PackageEntry(manager=manager, name=name, version=version, build=build))
        packages[Scope(image)] = tuple(entries)
    with closing(open_index(OSV)) as index:
        lock = Lock(name="x", format="y", packages=packages)
        subjects = subjects_of(restrict(lock, images=(only,) if only else ()))
        return assess(subjects, index.database, index.lookup)


def names(assessment: Assessment) -> list[tuple[str, str]]:
    return [(each.advisory, each.package) for each in assessment.affected]


def test_records_of_one_group_are_one_finding() -> None:
    (finding,) = [
        each
        for each in answer(one=("pip:requests:2.31.0",)).affected
        if each.advisory == "CVE-2024-35195"
    ]
    assert finding.ids == ("GHSA-9wx4-h78v-vm56", "PYSEC-2026-1873")
    assert finding.fixed == ("2.32.0", "2.32.2")
    assert (finding.severity.level, finding.severity.score) == ("medium", 5.6)


def test_one_record_of_a_group_suffices() -> None:
    (finding,) = [
        each
        for each in answer(one=("pip:requests:2.32.1",)).affected
        if each.advisory == "CVE-2024-35195"
    ]
    assert finding.ids == ("GHSA-9wx4-h78v-vm56",)


def test_malicious_packages_are_found() -> None:
    (finding,) = answer(one=("npm:debug:4.4.2",)).affected
    assert finding.ids == ("MAL-2025-46974",)
    assert finding.severity.level == "critical"


def test_conda_packages_are_not_confirmed() -> None:
    conda = answer(one=("conda:jinja2:3.1.3",)).affected
    pip = answer(one=("pip:jinja2:3.1.3",)).affected
    assert [each.advisory for each in conda] == [each.advisory for each in pip]
    assert conda
    assert not any(each.is_confirmed for each in conda)
    assert all(each.is_confirmed for each in pip)


def test_findings_of_one_image_have_only_its_own_versions() -> None:
    images = {"one": ("npm:ws:8.12.1",), "two": ("npm:ws:7.0.0", "npm:request:2.88.2")}
    both, one = answer(**images), answer("one", **images)
    assert names(both) == [("CVE-2023-28155", "request"), ("CVE-2024-37890", "ws")]
    assert both.affected[1].versions == ("7.0.0", "8.12.1")
    assert names(one) == [("CVE-2024-37890", "ws")]
    assert one.affected[0].versions == ("8.12.1",)
    assert one.packages == {("npm", "ws")}


def test_packages_that_are_not_covered_belong_to_their_image() -> None:
    images = {"one": ("npm:ws:8.12.1",), "two": ("cargo:serde:1.0.0",)}
    assert answer("one", **images).subjects.not_covered == ()
    assert [each.package for each in answer("two", **images).subjects.not_covered] == ["serde"]


def test_a_database_without_the_ecosystem_is_an_error() -> None:
    lock = Lock(
        name="x",
        format="y",
        packages={Scope(): (PackageEntry(manager="pip", name="six", version="1"),)},
    )
    with closing(open_index(OSV / "npm")) as index, pytest.raises(ExpectedError) as caught:
        assess(subjects_of(lock), index.database, index.lookup)
    assert caught.value.message == (
        "the vulnerability database has no advisories for PyPI (it has: npm)"
    )


def test_a_comparison_with_itself_has_only_remaining_ones() -> None:
    one = answer(one=("npm:ws:8.12.1", "npm:brace-expansion:1.1.11"))
    found = compare(one, one)
    assert (found.fixed, found.new) == ((), ())
    assert found.remaining == one.affected
    assert found.undecided_old == found.undecided_new == one.undecided


def test_swapped_sides_swap_fixed_and_new() -> None:
    old, new = answer(one=("npm:ws:8.12.1",)), answer(one=("npm:ws:8.18.0", "npm:request:2.88.2"))
    there, back = compare(old, new), compare(new, old)
    assert [each.finding for each in there.fixed] == list(back.new)
    assert [each.finding for each in back.fixed] == list(there.new)
    assert [each.how for each in there.fixed + back.fixed] == ["upgraded", "removed"]


def test_affected_then_undecided_is_not_fixed() -> None:
    old, new = answer(one=("pip:jinja2:3.1.3",)), answer(one=("pip:jinja2:main",))
    found = compare(old, new)
    assert found.fixed == ()
    assert found.changed_to_undecided == old.affected
    assert compare(new, old).new == ()
    assert compare(new, old).changed_from_undecided == old.affected


@pytest.mark.parametrize(
    ("newest", "problem"),
    [
        ("2026-07-23T14:33:04.660547Z", "old: its newest advisory is of 2026-07-23.*, 69 days ago"),
        ("", "not a time"),
        ("yesterday", "not a time"),
        ("2026-09-30T00:00:00", "not a time in UTC"),
    ],
)
def test_old_data_is_an_error(newest: str, problem: str) -> None:
    database = Database(digest="sha256:1", newest=newest, records={"npm": 1}, withdrawn=0)
    with pytest.raises(ExpectedError, match=problem):
        require_recent(database, datetime(2026, 10, 1, tzinfo=UTC), timedelta(days=30))


def test_recent_data_is_accepted() -> None:
    newest = "2026-09-30T00:00:00Z"
    database = Database(digest="sha256:1", newest=newest, records={"npm": 1}, withdrawn=0)
    require_recent(database, datetime(2026, 10, 1, tzinfo=UTC), timedelta(days=30))


def test_new_undecided_ones_are_not_those_that_were_affected() -> None:
    old, new = answer(one=("pip:jinja2:3.1.3",)), answer(one=("pip:jinja2:main", "npm:vega:6.4.0"))
    found = compare(old, new)
    appeared = {each.unit for each in found.undecided_appeared}
    assert ("CVE-2025-59840", "npm", "vega") in appeared
    assert appeared == {each.unit for each in new.undecided} - {each.unit for each in old.affected}
    assert len(appeared) < len(new.undecided)
    assert compare(new, new).undecided_appeared == ()


def decision(advisory: str, package: str = "", until: date = date(2026, 12, 31)) -> IgnoredAdvisory:
    return IgnoredAdvisory(id=advisory, package=package, reason="not reachable", until=until)


def test_ignored_findings_are_kept_with_the_reason() -> None:
    both = answer(one=("npm:ws:8.12.1", "npm:request:2.88.2", "npm:brace-expansion:1.1.11"))
    decisions = (
        decision("GHSA-3h5v-q93c-6h6q", "ws"),
        decision("GHSA-v6h2-p8h4-qcjw"),
        decision("CVE-2023-28155", "axios"),
    )
    found = without_ignored(both, decisions, date(2026, 12, 31))
    assert names(found.assessment) == [("CVE-2023-28155", "request")]
    assert found.assessment.undecided == ()
    assert [each.finding.package for each in found.ignored] == ["ws", "brace-expansion"]
    assert found.ignored[0].decision.reason == "not reachable"
    assert (found.expired, found.unused) == ((), decisions[2:])


def test_an_expired_decision_ignores_nothing() -> None:
    one = answer(one=("npm:ws:8.12.1",))
    old = decision("CVE-2024-37890", until=date(2026, 12, 30))
    found = without_ignored(one, (old,), date(2026, 12, 31))
    assert found.assessment == one
    assert (found.ignored, found.expired, found.unused) == ((), (old,), ())


def test_severities_that_a_check_asks_for() -> None:
    found = answer(one=("npm:ws:8.12.1", "npm:request:2.88.2", "npm:debug:4.4.2")).affected
    assert [each.severity.level for each in found] == ["medium", "high", "critical"]
    assert [each.package for each in reaching(found, ("high",))] == ["ws", "debug"]
    assert reaching(found, ("low", "critical")) == found
    assert reaching(found, ()) == ()


def test_conditions_have_the_names_of_the_command() -> None:
    assert thresholds.SEVERITIES == vulnerabilities.SEVERITIES
    assert (thresholds.NEW, *thresholds.SEVERITIES) == diff_locks.VULNERABILITIES
