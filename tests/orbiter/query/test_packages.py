"""The packages of images, of the releases of this repository and of a set with apk and conda."""

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest
from msgspec.structs import replace

from orbiter.config import snapshot
from orbiter.lockset.model import SNAPSHOT, LockSet
from orbiter.query.packages import Selection, listing
from orbiter.report.query import packages_text
from resolvers.errors import ExpectedError
from tests.support.lock_sets import changed
from tests.support.paths import ROOT
from tests.support.sbom_lock_sets import mixed, release


def test_every_locked_package_of_a_release_is_listed() -> None:
    folder = ROOT / "locks" / "0.2.0"
    found = listing(release("0.2.0"), Selection())
    base = next(image for image in found.images if image.name == "debian-base")
    # What is installed was written by the build folder, not by the code under test.
    listed = json.loads(
        (folder / "build" / "debian-base" / "packages-linux-amd64.json").read_text(encoding="utf-8")
    )
    expected = {(each["manager"], each["name"], each["version"]) for each in listed["packages"]}
    assert {(each.manager, each.name, each.version) for each in base.packages} == expected
    assert base.parent == "debian-core"
    assert found.notes == ()


def test_direct_packages_are_those_of_images_toml() -> None:
    found = listing(release("0.2.0"), Selection(managers=("npm",)), only_direct=True)
    names = {package.name for image in found.images for package in image.packages}
    assert names == {"canvas", "configurable-http-proxy", "npm", "vega-cli", "vega-lite"}


def test_a_package_of_two_platforms_is_listed_once(tmp_path: Path) -> None:
    found = listing(mixed(tmp_path), Selection())
    alpine = next(image for image in found.images if image.name == "alpine-core")
    assert {package.name: package.direct for package in alpine.packages} == {
        "busybox": True,
        "busybox-binsh": False,
    }
    assert alpine.packages[0].sizes == {"linux/amd64": 1, "linux/arm64": 1}
    assert alpine.base == "alpine:3.23"
    text = packages_text.render(found, width=80)
    assert "not listed: the packages of the base image alpine:3.23" in text
    rows = [line.split() for line in text.splitlines()]
    assert ["*", "python", "3.12.11", "h9e4cc4f_0_cpython", "conda"] in rows


def test_a_package_of_one_platform_says_so(tmp_path: Path) -> None:
    found = listing(mixed(tmp_path), Selection(platforms=("linux/arm64",)))
    assert {image.platforms for image in found.images} == {("linux/arm64",)}
    text = packages_text.render(listing(mixed(tmp_path), Selection()), width=100)
    assert "only" not in text


def test_a_stage_can_be_listed() -> None:
    found = listing(release("0.2.0"), Selection(images=("debian-base-build",)))
    managers = Counter(package.manager for package in found.images[0].packages)
    assert managers.keys() == {"apt", "npm", "pip"}
    assert "gcc" in {package.name for package in found.images[0].packages}


@pytest.mark.parametrize(
    ("selection", "problem"),
    [
        (Selection(images=("nothing",)), "has no image or stage 'nothing'"),
        (Selection(platforms=("linux/s390x",)), "is not locked for linux/s390x"),
    ],
)
def test_unknown_images_and_platforms(selection: Selection, problem: str) -> None:
    with pytest.raises(ExpectedError, match=problem):
        listing(release("0.2.0"), selection)


def _with(requirements: Mapping[str, tuple[str, ...]], name: str) -> dict[str, tuple[str, ...]]:
    return {**requirements, "npm": (*requirements["npm"], name)}


def with_request(lock_set: LockSet, name: str) -> LockSet:
    """Return a lock set whose image set requests one more package of npm."""
    image_set = lock_set.image_set
    stages = tuple(
        replace(stage, requirements=_with(stage.requirements, name))
        if stage.name == "debian-base-build"
        else stage
        for stage in image_set.stages
    )
    manifest = json.loads(lock_set.files["debian/package.json"])
    manifest["orbiter"]["groups"]["debian-base-build"].append(name)
    return changed(
        lock_set,
        {
            SNAPSHOT: snapshot.dump(replace(image_set, stages=stages)),
            "debian/package.json": json.dumps(manifest),
        },
    )


def test_only_the_requested_version_of_npm_is_direct() -> None:
    lock_set = release("0.2.0")
    entries = json.loads(lock_set.files["debian/package-lock.json"])["packages"]
    name = next(
        path.rpartition("node_modules/")[2]
        for path, entry in entries.items()
        if path.count("node_modules/") == 2
        and not entry.get("inBundle")
        and f"node_modules/{path.rpartition('node_modules/')[2]}" in entries
    )
    found = listing(with_request(lock_set, name), Selection(managers=("npm",)))
    versions = {
        package.version: package.direct
        for package in found.images[-1].packages
        if package.name == name
    }
    assert len(versions) > 1
    assert [each for each in versions if versions[each]] == [
        entries[f"node_modules/{name}"]["version"]
    ]


def test_text_fits_and_shows_each_package_once() -> None:
    text = packages_text.render(listing(release("0.2.0"), Selection()), width=80)
    lines = text.splitlines()
    assert max(map(len, lines)) <= 80
    assert len([line for line in lines if line.startswith("  zlib1g ")]) == 1
    assert "143 of them are those of debian-core" in " ".join(text.split())
