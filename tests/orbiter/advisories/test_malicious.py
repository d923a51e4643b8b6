"""Locked versions that real records of malicious packages name."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from orbiter.advisories.index import open_index
from orbiter.advisories.malicious import malicious_lookup
from orbiter.lint.types import MaliciousLookup
from orbiter.lockfiles.types import PackageEntry
from tests.support.osv import OSV, record, write_zip


@pytest.fixture
def look_up() -> Iterator[MaliciousLookup]:
    with closing(open_index(OSV)) as index:
        yield malicious_lookup(index)


def entry(manager: str, name: str, version: str, build: str = "") -> PackageEntry:
    return PackageEntry(manager=manager, name=name, version=version, build=build)


def test_only_the_compromised_version_is_malicious(look_up: MaliciousLookup) -> None:
    assert look_up(entry("npm", "debug", "4.4.2")).records == ("MAL-2025-46974",)
    assert look_up(entry("npm", "debug", "4.4.3")).records == ()
    assert look_up(entry("npm", "debug", "4.4.3")).not_covered == ""


def test_other_advisories_are_not_reported(look_up: MaliciousLookup) -> None:
    vulnerable = look_up(entry("npm", "semver", "7.5.1"))
    assert (vulnerable.records, vulnerable.not_covered) == ((), "")


def test_a_version_without_order_is_undecided(tmp_path: Path) -> None:
    affected = [
        {
            "package": {"ecosystem": "npm", "name": "debug"},
            "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}]}],
        }
    ]
    write_zip(tmp_path / "npm" / "all.zip", record("npm", "MAL-2025-46974", affected=affected))
    with closing(open_index(tmp_path)) as index:
        verdict = malicious_lookup(index)(entry("npm", "debug", "of-main"))
    assert (verdict.records, verdict.undecided) == ((), ("MAL-2025-46974",))


@pytest.mark.parametrize(
    ("manager", "build", "reason"),
    [
        ("apt", "", "there are no records about packages of distributions"),
        ("apk", "", "there are no records about packages of distributions"),
        ("pip", "", "the database has no MAL- records of PyPI"),
        ("conda", "py312h0_0", "the database has no MAL- records of PyPI"),
        ("conda", "h0_0", "conda packages without Python code have no advisories in OSV"),
        ("cargo", "", "Orbiter has no advisories for this manager"),
    ],
)
def test_packages_without_records_are_not_covered(
    look_up: MaliciousLookup, manager: str, build: str, reason: str
) -> None:
    assert look_up(entry(manager, "debug", "4.4.2", build)).not_covered == reason


def test_a_conda_package_is_compared_by_its_name_on_the_python_index(tmp_path: Path) -> None:
    affected = [{"package": {"ecosystem": "PyPI", "name": "debug"}, "versions": ["4.4.2"]}]
    write_zip(tmp_path / "PyPI" / "all.zip", record("npm", "MAL-2025-46974", affected=affected))
    with closing(open_index(tmp_path)) as index:
        verdict = malicious_lookup(index)(entry("conda", "debug", "4.4.2", "pyhd8ed1ab_0"))
    assert verdict.records == ("MAL-2025-46974",)
    assert verdict.by_name
