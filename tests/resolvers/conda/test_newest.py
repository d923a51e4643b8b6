"""The newest versions in channels that a test makes."""

from pathlib import Path

from resolvers.conda.newest import newest_versions
from resolvers.types.options import CondaOptions
from resolvers.types.packages import Availability
from resolvers.types.request import Request
from tests.support.conda_world import AMD64, ARM64, BUILD_MS, base, channel, record


def newest(*requirements: str, channels: tuple[str, ...], priority: str = "strict") -> Availability:
    """Return the versions of the package ``acme``."""
    request = Request(
        groups=(base(*requirements),),
        targets=(AMD64, ARM64),
        conda=CondaOptions(channels=channels, priority=priority),
    )
    return newest_versions(request, ("acme",))["acme"]


def versions(found: Availability) -> tuple[str | None, str | None]:
    assert found.problem == ""
    return found.allowed and found.allowed.version, found.newest and found.newest.version


def test_the_requirement_and_the_platforms_limit_the_allowed_version(tmp_path: Path) -> None:
    url = channel(
        tmp_path,
        *(record("acme", version) for version in ("1.9", "1.10", "2.0")),
        record("acme", "2.1", subdir="linux-64", timestamp=BUILD_MS + 86_400_000),
        record("acme", "1.11", build="py_1"),
    )
    assert versions(newest("acme<2", channels=(url,))) == ("1.11", "2.1")
    assert versions(newest("acme", channels=(url,))) == ("2.0", "2.1")
    assert versions(newest("acme=*=0", channels=(url,))) == ("2.0", "2.1")
    assert versions(newest("acme>3", channels=(url,))) == (None, "2.1")
    found = newest("acme", channels=(url,)).newest
    assert found is not None
    assert found.time is not None
    assert found.time.isoformat() == "2023-11-15T22:13:20+00:00"


def test_strict_priority_takes_the_first_channel(tmp_path: Path) -> None:
    first = channel(tmp_path / "first", record("acme", "1.0"))
    second = channel(tmp_path / "second", record("acme", "2.0"), record("other", "1"))
    both = (first, second)
    assert versions(newest("acme", channels=both)) == ("1.0", "1.0")
    assert versions(newest("acme", channels=both, priority="disabled")) == ("2.0", "2.0")
    assert versions(newest("acme", channels=both[::-1])) == ("2.0", "2.0")


def test_a_package_that_no_channel_has(tmp_path: Path) -> None:
    url = channel(tmp_path, record("other", "1.0"))
    assert newest("acme", channels=(url,)) == Availability()


def test_a_channel_that_cannot_be_read_is_a_problem(tmp_path: Path) -> None:
    found = newest("acme", channels=((tmp_path / "missing").as_uri(),))
    assert "missing" in found.problem
    assert (found.allowed, found.newest) == (None, None)
