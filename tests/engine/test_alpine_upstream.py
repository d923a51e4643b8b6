"""The builder alpine when upstream moves on or is not what it should be: what is locked stays, and errors are told."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.alpine_project import Project, inside, project
from tests.support.alpine_world import BRANCH, base_image, needs_world, newer_snapshot, served

pytestmark = [pytest.mark.engine, pytest.mark.index, needs_world]

IMAGES = """
version = "0.1.0"
repository = "{repository}"

[builder.alpine]
from = "{base}"
pip-engine = "uv"

[image.alpine.core]
apk = ["bash", "curl", "orbit-hello", "orbit-pre", "python3", "tini"]

[image.alpine.base]
from = "core"
apk = ["cloud-utils-growpart", "orbit-gone"]

[image.alpine.base.build]
from = "core"
pip = ["six"]
"""
MOVED = {
    "bash": ("upgraded", ["5.2.15-r0"], ["5.2.15-r1"]),
    "curl": ("upgraded", ["8.22.0-r0"], ["8.22.0-r1"]),
    "libcurl": ("upgraded", ["8.22.0-r0"], ["8.22.0-r1"]),
    "orbit-greet": ("upgraded", ["1.0-r0"], ["2.0-r0"]),
    "orbit-hello": ("upgraded", ["1.0-r0"], ["1.1-r0"]),
    "orbit-new": ("added", [], ["0.1-r0"]),
    "orbit-pre": ("upgraded", ["1.0_rc2-r0"], ["1.0-r0"]),
    "python3": ("upgraded", ["3.13.2-r0"], ["3.13.2-r1"]),
    "xz-libs": ("upgraded", ["5.8.4-r0"], ["5.8.4-r1"]),
    # What nobody asks for any more, and what only that needed.
    "cloud-utils-growpart": ("removed", ["0.33-r1"], []),
    "libblkid": ("removed", ["2.41.6-r1"], []),
    "libeconf": ("removed", ["0.8.3-r0"], []),
    "libfdisk": ("removed", ["2.41.6-r1"], []),
    "libsmartcols": ("removed", ["2.41.6-r1"], []),
    "orbit-gone": ("removed", ["7.0-r0"], []),
    "partx": ("removed", ["2.41.6-r1"], []),
    "sfdisk": ("removed", ["2.41.6-r1"], []),
}
"""What becomes of release 0.1.0's packages once upstream has moved on: the others stay."""
GONE = [
    f"apk/{name}-{version}.apk"
    for name, (kind, (*versions,), _) in sorted(MOVED.items())
    for version in versions
    if kind == "upgraded" or name in {"cloud-utils-growpart", "orbit-gone"}
]
"""The files of release 0.1.0 that upstream then has no longer."""


@pytest.fixture(scope="module")
def moved(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """Release 0.1.0 is locked, built and archived; then its mirror moved on to the world's second snapshot."""
    folder, cache = tmp_path_factory.mktemp("project"), tmp_path_factory.mktemp("cache")
    with served() as place:
        mirror = place / "mirror"
        mirror.symlink_to(place.parent / "alpine-1")
        repositories = (f"{place.name}/mirror/{BRANCH}/{part}" for part in ("main", "community"))
        with (
            base_image(*repositories) as base,
            project(folder, cache, IMAGES.replace("{base}", base)) as built,
        ):
            built.lock()
            built.digests = built.build()
            built.told("archive", "--quiet", str(folder / "archive"))
            mirror.unlink()
            newer_snapshot(mirror)
            yield built


def test_a_release_is_built_from_the_store_to_the_same_digest(moved: Project) -> None:
    assert moved.build("--release", "0.1.0", "--no-load") == moved.digests
    assert moved.build("--release", "0.1.0", "--no-load", "--no-cache") == moved.digests


def test_fetch_tells_what_upstream_no_longer_has(moved: Project) -> None:
    done = moved.orbiter("fetch", "--upstream", "--release", "0.1.0")
    assert done.returncode == 1, done.stderr
    assert [
        line.split()[2]
        for line in done.stdout.splitlines()
        if line.startswith("missing upstream: ")
    ] == GONE


def test_a_new_release_moves_what_must_move_and_diff_locks_tells_exactly_that(
    moved: Project, tmp_path: Path
) -> None:
    new = moved.copy(tmp_path)
    assert "up to date" in new.told("lock"), "what is locked of a release stays"
    new.told("bump", "minor")
    assert "cloud-utils-growpart" in new.refused("lock")
    new.edit('"cloud-utils-growpart", "orbit-gone"', '"orbit-new"')
    new.lock()
    told = json.loads(new.told("diff-locks", "0.1.0", "0.2.0", "--format", "json"))
    assert {
        each["name"]: (each["kind"], each["old"], each["new"]) for each in told["changes"]
    } == MOVED
    assert told["summary"]["altered"] == 0
    digests = new.build()
    assert "hello 1.1" in inside(new.tag("alpine-base"), "orbit-hello; python -c 'import six'")
    assert digests.keys() == moved.digests.keys()
    assert not set(digests.values()) & set(moved.digests.values())


def test_without_the_files_it_is_told_which_are_gone_and_an_archive_brings_them_back(
    moved: Project, tmp_path: Path
) -> None:
    wiped = moved.copy(tmp_path, cache=tmp_path / "wiped")
    said = wiped.refused("build", "--release", "0.1.0")
    assert f"error: {len(GONE)} files could not be fetched:" in said
    assert [
        line.split()[0]
        for line in said.splitlines()
        if " is no longer available upstream: " in line
    ] == GONE
    assert "'orbiter fetch --from'" in said
    wiped.told("fetch", "--release", "0.1.0", "--from", str(moved.folder / "archive"))
    assert wiped.build("--release", "0.1.0", "--no-load") == moved.digests
