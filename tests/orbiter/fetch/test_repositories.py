"""Addresses of files that come from repositories of images.toml."""

import pytest

from orbiter.fetch.sources import FetchSettings, MissingUpstreamError, UpstreamLocator
from orbiter.store.artifact_list import LockedFile
from resolvers.errors import ExpectedError

SETTINGS = FetchSettings(repositories={"apt": {"own": "http://127.0.0.1:1/debian"}})


def locked(source: str) -> LockedFile:
    return LockedFile(path="apt/a+b_1_all.deb", hash=f"sha256:{'0' * 64}", source=source)


def test_a_file_of_a_repository_is_below_its_address() -> None:
    locations = UpstreamLocator(SETTINGS).http_locations(locked("apt:own:pool/a+b_1_all.deb"))
    assert [each.url for each in locations] == ["http://127.0.0.1:1/debian/pool/a%2Bb_1_all.deb"]


@pytest.mark.parametrize("source", ["apt:other:pool/a.deb", "apk:own:x86_64/a.apk"])
def test_a_repository_that_images_toml_lacks_is_an_error(source: str) -> None:
    with pytest.raises(ExpectedError, match=r"images\.toml has no a(pt|pk)-repository"):
        list(UpstreamLocator(SETTINGS).http_locations(locked(source)))


def test_a_missing_file_of_a_repository_does_not_suggest_mirrors() -> None:
    failures: list[ExpectedError] = [MissingUpstreamError("it is missing", "look elsewhere")]
    locator = UpstreamLocator(SETTINGS)
    own = locator.failure(locked("apt:own:pool/a+b_1_all.deb"), failures)
    assert own.hint == "look elsewhere"
    debian = locator.failure(locked("apt:pool/a+b_1_all.deb"), failures)
    assert "ORBITER_APT_MIRROR" in debian.hint
