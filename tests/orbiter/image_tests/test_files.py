"""The tar file with the files of tests, and records of passed tests."""

import io
import os
import tarfile
from pathlib import Path

import pytest
from msgspec.structs import replace

from orbiter.config.image_tests import ImageTests
from orbiter.config.read import read_image_checks
from orbiter.image_tests.files import pack
from orbiter.image_tests.passes import find_pass, record_pass
from orbiter.image_tests.results import ImageResults, Result

IMAGES = """
version = "0.1.0"
repository = "a/b"
[builder.debian]
from = "debian:trixie-slim"
[image.debian.core]
verify = ["./verify"]
verify-files = ["deep/"]
"""
PASS = Result(name="./verify", kind="command", verdict="passed", seconds=1)
PASSED = ImageResults(
    image="debian-core", release="0.1.0", platform="linux/amd64", id="sha256:1", results=(PASS,)
)


@pytest.fixture
def tests(tmp_path: Path) -> ImageTests:
    (tmp_path / "images.toml").write_text(IMAGES)
    (tmp_path / "verify").write_text("#!/bin/sh\n")
    (tmp_path / "deep/er").mkdir(parents=True)
    (tmp_path / "deep/er/file").write_text("content")
    return read_image_checks(tmp_path / "images.toml").tests["debian-core"]


def test_any_user_can_run_programs_and_write_beside_files(
    tmp_path: Path, tests: ImageTests
) -> None:
    with tarfile.open(fileobj=io.BytesIO(pack(tests, tmp_path))) as tar:
        modes = {member.name: member.mode for member in tar}
        assert modes.pop("run_notebook.py") == 0o644
        content = tar.extractfile("project/deep/er/file")
        assert content
        assert content.read() == b"content"
    assert modes == {
        "project": 0o777,
        "project/deep": 0o777,
        "project/deep/er": 0o777,
        "project/deep/er/file": 0o644,
        "project/verify": 0o755,
    }


def test_only_the_same_tests_of_the_same_image_passed(tests: ImageTests) -> None:
    ids = ("sha256:0", "sha256:1")
    assert find_pass(ids, "linux/amd64", tests) is None
    record_pass(PASSED, tests)
    assert find_pass(ids, "linux/amd64", tests) == replace(PASSED, recorded=True)
    assert find_pass(ids, "linux/arm64", tests) is None
    assert find_pass(("sha256:0",), "linux/amd64", tests) is None
    assert find_pass(ids, "linux/amd64", replace(tests, commands=("true",))) is None
    edited = (replace(tests.files[0], sha256="0" * 64), *tests.files[1:])
    assert find_pass(ids, "linux/amd64", replace(tests, files=edited)) is None


def test_a_failure_is_not_recorded(tests: ImageTests) -> None:
    record_pass(replace(PASSED, results=(PASS, replace(PASS, verdict="failed"))), tests)
    assert find_pass(("sha256:1",), "linux/amd64", tests) is None


def test_a_damaged_record_is_not_a_pass(tests: ImageTests) -> None:
    record_pass(PASSED, tests)
    folder = Path(os.environ["ORBITER_CACHE_DIR"]) / "passed-tests"
    (file,) = folder.iterdir()
    file.write_bytes(file.read_bytes()[:-9])
    assert find_pass(("sha256:1",), "linux/amd64", tests) is None
