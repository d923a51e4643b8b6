"""Recorded passes of built images, which count before a push; running tests needs an engine."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace

from orbiter.assembly.image import AssembledImage
from orbiter.build.built_image import BuiltImage
from orbiter.config.image_tests import ImageTests
from orbiter.image_tests.passes import record_pass
from orbiter.image_tests.results import ImageResults, NotTested, Result
from orbiter.image_tests.select import untested
from orbiter.lockset.record import RecordedBuilder
from orbiter.oci.registry import sha256
from orbiter.release.tested import ImageTestCheck
from orbiter.tasks import Report
from tests.support.lock_sets import small

PLATFORMS = ("linux/amd64", "linux/arm64")
TESTS = ImageTests(commands=("true",), notebooks=(), files=(), timeout=1)
IMAGES = tuple(
    AssembledImage(platform=each, manifest=each.encode(), config=each[::-1].encode(), layers=())
    for each in PLATFORMS
)
BUILT = BuiltImage(
    stage="debian-base",
    tag="a/b:debian-base-0.1.0",
    digest=sha256(b"index"),
    images=IMAGES,
    index=b"index",
    builder=RecordedBuilder(buildkit="", engine="", buildx=""),
)
PASS = Result(name="true", kind="command", verdict="passed", seconds=1)


def start_task(title: str) -> Report:
    assert title == "tests"
    return lambda _line: None


def check(tests: dict[str, ImageTests], tmp_path: Path) -> ImageTestCheck:
    return ImageTestCheck(small(), tests, tmp_path, start_task)


def passed(image_id: str, platform: str = PLATFORMS[0]) -> ImageResults:
    return ImageResults(
        image="debian-base", release="0.1.0", platform=platform, id=image_id, results=(PASS,)
    )


@pytest.mark.parametrize(
    "image_id", [BUILT.digest, IMAGES[0].digest, IMAGES[0].config_digest], ids=["index", "m", "c"]
)
def test_a_pass_counts_by_any_name_that_an_engine_gives(tmp_path: Path, image_id: str) -> None:
    record_pass(passed(image_id), TESTS)
    made = check({"debian-base": TESTS}, tmp_path)
    assert made((BUILT,))
    assert [result.recorded for result in made.results] == [True]
    assert made.untested == {"debian-base": ("linux/arm64",)}
    assert made.failed == ()


def test_images_without_tests_are_accepted(tmp_path: Path) -> None:
    made = check({"debian-core": TESTS}, tmp_path)
    assert made((BUILT,))
    assert made.results == ()
    assert made.untested == {}


class StartedError(Exception):
    """The tests of an image would run."""


def test_other_tests_or_other_bytes_are_no_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def choose(_platforms: Sequence[str]) -> str:
        raise StartedError

    monkeypatch.setattr("orbiter.release.tested.tested_platform", choose)
    record_pass(passed(BUILT.digest), replace(TESTS, commands=("false",)))
    record_pass(passed(sha256(b"other")), TESTS)
    with pytest.raises(StartedError):
        check({"debian-base": TESTS}, tmp_path)((BUILT,))


def test_images_that_are_not_tested_are_listed() -> None:
    found = untested(small(), (), {"debian-base": TESTS, "debian-gone": TESTS})
    assert found == (
        NotTested(image="debian-core", platform="", reason="images.toml has no tests for it"),
        NotTested(image="debian-gone", platform="", reason="the release does not have this image"),
    )
