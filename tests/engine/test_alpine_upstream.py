"""The alpine builder after its repositories changed: locked releases stay the same."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.alpine_project import Project, run_inside, temporary_project
from tests.support.alpine_world import (
    BRANCH,
    base_image,
    needs_world,
    served_folder,
    write_newer_snapshot,
)

pytestmark = [pytest.mark.engine, pytest.mark.index, needs_world]

IMAGES = """
version = "0.1.0"
repository = "{repository}"

[builder.alpine]
from = "{base}"
pip-engine = "pip-tools"

[image.alpine.core]
apk = ["bash", "curl", "orbit-hello", "orbit-pre", "python3", "tini"]

[image.alpine.base]
from = "core"
apk = ["cloud-utils-growpart", "orbit-gone"]

[image.alpine.base.build]
from = "core"
pip = ["six"]
"""
CHANGES = {
    "bash": ("upgraded", ["5.2.15-r0"], ["5.2.15-r1"]),
    "curl": ("upgraded", ["8.22.0-r0"], ["8.22.0-r1"]),
    "libcurl": ("upgraded", ["8.22.0-r0"], ["8.22.0-r1"]),
    "orbit-greet": ("upgraded", ["1.0-r0"], ["2.0-r0"]),
    "orbit-hello": ("upgraded", ["1.0-r0"], ["1.1-r0"]),
    "orbit-new": ("added", [], ["0.1-r0"]),
    "orbit-pre": ("upgraded", ["1.0_rc2-r0"], ["1.0-r0"]),
    "python3": ("upgraded", ["3.13.2-r0"], ["3.13.2-r1"]),
    "xz-libs": ("upgraded", ["5.8.4-r0"], ["5.8.4-r1"]),
    # No longer required, and the packages that only these needed.
    "cloud-utils-growpart": ("removed", ["0.33-r1"], []),
    "libblkid": ("removed", ["2.41.6-r1"], []),
    "libeconf": ("removed", ["0.8.3-r0"], []),
    "libfdisk": ("removed", ["2.41.6-r1"], []),
    "libsmartcols": ("removed", ["2.41.6-r1"], []),
    "orbit-gone": ("removed", ["7.0-r0"], []),
    "partx": ("removed", ["2.41.6-r1"], []),
    "sfdisk": ("removed", ["2.41.6-r1"], []),
}
"""Changes of packages in a release after 0.1.0, from the newer repositories; others stay."""
MISSING = [
    f"apk/{name}-{version}.apk"
    for name, (kind, (*versions,), _) in sorted(CHANGES.items())
    for version in versions
    if kind == "upgraded" or name in {"cloud-utils-growpart", "orbit-gone"}
]
"""The files of release 0.1.0 that the newer repositories no longer have."""


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """Lock, build and archive release 0.1.0, then replace its repositories by newer ones."""
    folder, cache = tmp_path_factory.mktemp("project"), tmp_path_factory.mktemp("cache")
    with served_folder() as served:
        mirror = served / "mirror"
        mirror.symlink_to(served.parent / "alpine-1")
        repositories = (f"{served.name}/mirror/{BRANCH}/{part}" for part in ("main", "community"))
        with (
            base_image(*repositories) as base,
            temporary_project(folder, cache, IMAGES.replace("{base}", base)) as project,
        ):
            project.lock()
            project.digests = project.build()
            project.run("archive", "--quiet", str(folder / "archive"))
            mirror.unlink()
            write_newer_snapshot(mirror)
            yield project


def test_a_release_is_built_from_the_store_to_the_same_digest(released: Project) -> None:
    assert released.build("--release", "0.1.0", "--no-load") == released.digests
    assert released.build("--release", "0.1.0", "--no-load", "--no-cache") == released.digests


def test_fetch_lists_files_that_are_missing_upstream(released: Project) -> None:
    process = released.start("fetch", "--upstream", "--release", "0.1.0")
    assert process.returncode == 1, process.stderr
    assert [
        line.split()[2]
        for line in process.stdout.splitlines()
        if line.startswith("missing upstream: ")
    ] == MISSING


def test_a_new_release_changes_only_what_it_must_as_diff_locks_reports(
    released: Project, tmp_path: Path
) -> None:
    new = released.copy(tmp_path)
    assert "up to date" in new.run("lock"), "a locked release stays"
    new.run("bump", "minor")
    assert "cloud-utils-growpart" in new.run_rejected("lock")
    new.edit('"cloud-utils-growpart", "orbit-gone"', '"orbit-new"')
    new.lock()
    diff = json.loads(new.run("diff-locks", "0.1.0", "0.2.0", "--format", "json"))
    assert {
        change["name"]: (change["kind"], change["old"], change["new"]) for change in diff["changes"]
    } == CHANGES
    assert diff["summary"]["altered"] == 0
    digests = new.build()
    assert "hello 1.1" in run_inside(new.tag("alpine-base"), "orbit-hello; python -c 'import six'")
    assert digests.keys() == released.digests.keys()
    assert not set(digests.values()) & set(released.digests.values())


def test_missing_files_are_listed_and_fetched_from_an_archive(
    released: Project, tmp_path: Path
) -> None:
    without_store = released.copy(tmp_path, cache=tmp_path / "empty")
    errors = without_store.run_rejected("build", "--release", "0.1.0")
    assert f"error: {len(MISSING)} files could not be fetched:" in errors
    assert [
        line.split()[0]
        for line in errors.splitlines()
        if " is no longer available upstream: " in line
    ] == MISSING
    assert "'orbiter fetch --from'" in errors
    without_store.run("fetch", "--release", "0.1.0", "--from", str(released.folder / "archive"))
    assert without_store.build("--release", "0.1.0", "--no-load") == released.digests
