"""The newest versions on an index that a test fills."""

from collections.abc import Iterator

import pytest

from resolvers.index import index as package_index
from resolvers.pip.newest import newest_versions
from resolvers.types.options import PipOptions
from resolvers.types.packages import Availability, AvailableVersion
from resolvers.types.request import Group, Request
from tests.support.pip_cases import AMD64, ARM64, only_index
from tests.support.wheel_index import WheelIndex


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch) -> Iterator[WheelIndex]:
    with only_index(monkeypatch) as served:
        package_index._index.cache_clear()  # as in a new process
        yield served


def newest(*requirements: str, sources: tuple[str, ...] = (), **pip: object) -> Availability:
    """Return the versions of the package ``acme``."""
    group = Group(name="base", requirements=requirements, sources=sources)
    options = PipOptions(**pip)  # type: ignore[arg-type]
    request = Request(groups=(group,), targets=(AMD64, ARM64), pip=options)
    return newest_versions(request, ("acme",))["acme"]


def versions(found: Availability) -> tuple[str | None, str | None]:
    assert found.problem == ""
    return found.allowed and found.allowed.version, found.newest and found.newest.version


def test_the_requirement_limits_the_allowed_version(index: WheelIndex) -> None:
    for version in ("1.0", "1.9", "1.10", "2.0", "3.0rc1"):
        index.add("acme", version)
    assert versions(newest("acme<2")) == ("1.10", "2.0")
    assert versions(newest("Acme")) == ("2.0", "2.0")
    assert versions(newest("acme>=3.0rc1")) == ("3.0rc1", "2.0")
    assert versions(newest("acme>5")) == (None, "2.0")
    assert versions(newest("acme", constraints=("acme<1.5",))) == ("1.0", "2.0")
    assert versions(newest("acme<1", overrides=("acme<2",))) == ("1.10", "2.0")


def test_only_requirements_that_apply_to_the_image_count(index: WheelIndex) -> None:
    for version in ("1.0", "2.0", "3.0"):
        index.add("acme", version)
    old, new = "acme<2; python_version<'3.9'", "acme>=2,<3; python_version>='3.9'"
    assert versions(newest(old, new)) == ("2.0", "3.0")
    limit = "acme<2; sys_platform == 'win32'"
    assert versions(newest("acme", constraints=(limit,), overrides=(limit,))) == ("3.0", "3.0")
    arm, amd = "acme<2; platform_machine=='aarch64'", "acme<3; platform_machine=='x86_64'"
    assert versions(newest(arm, amd)) == ("2.0", "3.0")
    assert versions(newest(arm)) == ("1.0", "3.0")


def test_yanked_and_unfit_files_do_not_count(index: WheelIndex) -> None:
    index.add("acme", "1.0")
    index.add("acme", "1.1", tag="cp313-cp313-manylinux_2_28_x86_64")  # not for arm64
    index.add("acme", "1.2", requires_python=">=3.99")
    index.add("acme", "1.3", yanked="broken")
    assert versions(newest("acme")) == ("1.0", "1.2")


def test_an_sdist_counts_only_if_it_may_be_built(index: WheelIndex) -> None:
    index.add("acme", "1.0")
    index.add_sdist("acme", "1.1")
    assert versions(newest("acme")) == ("1.0", "1.1")
    assert versions(newest("acme", sources=("acme",))) == ("1.1", "1.1")


def test_the_time_is_that_of_the_first_file(index: WheelIndex) -> None:
    index.add("acme", "1.0", upload_time="2026-02-01T10:00:00Z")
    index.add("acme", "1.0", tag="py3-none-linux_x86_64", upload_time="2026-01-31T10:00:00Z")
    found = newest("acme").newest
    assert isinstance(found, AvailableVersion)
    assert found.time is not None
    assert found.time.isoformat() == "2026-01-31T10:00:00+00:00"


def test_a_package_that_the_index_does_not_have(index: WheelIndex) -> None:
    index.add("other", "1.0")
    assert newest("acme") == Availability()


def test_an_index_that_does_not_answer_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:1/simple")
    monkeypatch.setattr("resolvers.net.http.PAUSES", ())
    found = newest("acme")
    assert "127.0.0.1:1" in found.problem
    assert (found.allowed, found.newest) == (None, None)
