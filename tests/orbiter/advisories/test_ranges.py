import msgspec
import pytest

from orbiter.advisories.ranges import fixed_versions, status_of
from orbiter.advisories.records import AdvisedPackage
from tests.support.osv import advised


def with_ranges(ecosystem: str, *ranges: tuple[tuple[str, str], ...]) -> AdvisedPackage:
    """Return a statement with ranges only."""
    (statement,) = advised("PyPI", "GHSA-h75v-3vvj-5mfj")
    return msgspec.structs.replace(statement, ecosystem=ecosystem, ranges=ranges)


@pytest.mark.parametrize(
    ("version", "status"),
    [("2.88.1", "affected"), ("2.88.2", "affected"), ("2.88.3", "unaffected")],
)
def test_last_affected_is_inclusive(version: str, status: str) -> None:
    (request,) = advised("npm", "GHSA-p8p7-x288-28g6", "request")
    assert status_of(request, version) == status


@pytest.mark.parametrize(
    ("version", "status"),
    [
        ("3.1.4", "unaffected"),
        ("3.1.3", "affected"),
        ("3.1.4rc1", "affected"),
        ("3.1.3+vendor", "affected"),
        ("3.1.4+vendor", "unaffected"),
    ],
)
def test_fixed_is_exclusive_in_the_order_of_pip(version: str, status: str) -> None:
    (jinja,) = advised("PyPI", "GHSA-h75v-3vvj-5mfj")
    assert status_of(jinja, version) == status


@pytest.mark.parametrize("version", ["1.0.0", "1", "1.0+cpu"])
def test_a_listed_version_is_affected_in_any_spelling(version: str) -> None:
    (requests,) = advised("PyPI", "PYSEC-2026-1873")
    listed = msgspec.structs.replace(requests, ranges=())
    assert status_of(listed, "1.0.0") == "affected"
    assert status_of(listed, version) == "affected"


def test_a_version_that_is_not_listed_is_unaffected() -> None:
    (debug,) = advised("npm", "MAL-2025-46974")
    assert status_of(debug, "4.4.2") == "affected"
    assert status_of(debug, "4.4.1") == "unaffected"


@pytest.mark.parametrize(
    ("ecosystem", "name", "package", "version"),
    [
        ("npm", "GHSA-v6h2-p8h4-qcjw", "brace-expansion", "1.1.11"),
        ("npm", "GHSA-7f2v-3qq3-vvjf", "vega", "6.2.0"),
        ("PyPI", "PYSEC-2025-117", "gdal", "3.9.0"),
        ("PyPI", "PYSEC-2019-257", "exiv2", "0.16.0"),
    ],
    ids=["three versions", "two numbers", "suffix", "neither ranges nor versions"],
)
def test_a_range_without_order_is_undecided(
    ecosystem: str, name: str, package: str, version: str
) -> None:
    (statement,) = advised(ecosystem, name, package)
    assert status_of(statement, version) == "undecided"


@pytest.mark.parametrize("version", ["", "main", "3.1.x", "9" * 2000])
def test_a_version_without_order_is_undecided(version: str) -> None:
    (jinja,) = advised("PyPI", "GHSA-h75v-3vvj-5mfj")
    assert status_of(jinja, version) == "undecided"


def test_a_range_that_decides_outweighs_one_without_order() -> None:
    statement = with_ranges(
        "npm",
        (("introduced", "0"), ("fixed", "6.20")),
        (("introduced", "1.0.0"), ("fixed", "2.0.0")),
    )
    assert status_of(statement, "1.5.0") == "affected"
    assert status_of(statement, "2.5.0") == "undecided"


def test_several_ranges_of_one_record() -> None:
    ws = advised("npm", "GHSA-3h5v-q93c-6h6q", "ws")
    affected = {
        version: any(status_of(each, version) == "affected" for each in ws)
        for version in ("5.2.3", "5.2.4", "6.0.0", "7.5.9", "7.5.10", "8.17.0", "8.17.1")
    }
    assert [version for version, hit in affected.items() if hit] == [
        "5.2.3",
        "6.0.0",
        "7.5.9",
        "8.17.0",
    ]


def test_events_in_any_order() -> None:
    events = (("fixed", "2.0"), ("introduced", "3.0"), ("introduced", "0"), ("fixed", "4.0"))
    statement = with_ranges("PyPI", events)
    found = [status_of(statement, version) for version in ("1.9", "2.0", "3.0", "4.0")]
    assert found == ["affected", "unaffected", "affected", "unaffected"]


def test_a_range_that_reopens_at_its_end() -> None:
    events = (("introduced", "0"), ("fixed", "2.0"), ("introduced", "2.0"), ("fixed", "3.0"))
    statement = with_ranges("PyPI", events)
    assert status_of(statement, "2.0") == "affected"


@pytest.mark.parametrize(("limit", "status"), [("2.0", "unaffected"), ("*", "affected")])
def test_limits(limit: str, status: str) -> None:
    statement = with_ranges("PyPI", (("introduced", "0"), ("limit", limit)))
    assert status_of(statement, "1.9") == "affected"
    assert status_of(statement, "2.0") == status


def test_a_range_without_a_beginning_is_undecided() -> None:
    assert status_of(with_ranges("PyPI", (("fixed", "2.0"),)), "1.0") == "undecided"


@pytest.mark.parametrize(
    ("version", "status"),
    [
        ("2.36-9+deb12u10", "affected"),
        ("2.36-9+deb12u13", "unaffected"),
        ("2.36-9+deb12u9", "affected"),
        ("1:0.1-1", "unaffected"),
    ],
)
def test_the_order_of_debian(version: str, status: str) -> None:
    (glibc,) = [
        each for each in advised("Debian", "DEBIAN-CVE-2025-8058") if each.ecosystem == "Debian:12"
    ]
    assert status_of(glibc, version) == status


@pytest.mark.parametrize(
    ("version", "status"), [("1.2.3-r9", "affected"), ("1.2.3-r10", "unaffected")]
)
def test_the_order_of_alpine(version: str, status: str) -> None:
    statement = with_ranges("Alpine:v3.23", (("introduced", "0"), ("fixed", "1.2.3-r10")))
    assert status_of(statement, version) == status


def test_names_the_versions_that_fix_it() -> None:
    (jinja,) = advised("PyPI", "GHSA-h75v-3vvj-5mfj")
    assert fixed_versions(jinja) == {"3.1.4"}
