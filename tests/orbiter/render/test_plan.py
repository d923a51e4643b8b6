"""The packages of each stage, planned from lock files written for these tests."""

import json
from pathlib import Path

import pytest

from orbiter.config.image_set import ImageSet
from orbiter.config.read import read_image_set
from orbiter.lockset import folder
from orbiter.lockset.model import Installer
from orbiter.render.derived import plan_of
from orbiter.render.dockerfile import render
from orbiter.render.model import Plan
from orbiter.render.plan import plan
from resolvers.errors import ExpectedError
from resolvers.npm import manager as npm
from resolvers.types.packages import Artifact, Pin
from resolvers.types.request import Target
from tests.support.paths import ROOT

IMAGES = """
version = "0.1.0"
repository = "a/b"
[builder.debian]
from = "debian:trixie-slim"
[image.debian.core]
apt = ["nodejs"]
[image.debian.base]
from = "core"
[image.debian.base.build]
from = "core"
npm = ["canvas"]
npm-scripts = ["canvas"]
[image.debian.geospatial]
from = "core"
[image.debian.geospatial.build]
from = "base-build"
npm = ["is-number"]
"""
INTEGRITY = "sha512-" + "A" * 86 + "=="


@pytest.fixture
def image_set(tmp_path: Path) -> ImageSet:
    (tmp_path / "images.toml").write_text(IMAGES)
    return read_image_set(tmp_path / "images.toml")


def npm_plan(image_set: ImageSet, names: tuple[str, ...]) -> Plan:
    packages = {
        f"node_modules/{name}": {"version": "1.0.0", "integrity": INTEGRITY} for name in names
    }
    groups = {"debian-base-build": ["canvas"], "debian-geospatial-build": ["is-number"]}
    manifest = {"name": "orbiter", "dependencies": dict.fromkeys(names, "*")}
    lock = {"name": "orbiter", "lockfileVersion": 3, "packages": {"": manifest, **packages}}
    files = {
        "package.json": json.dumps({**manifest, "orbiter": {"groups": groups}}),
        "package-lock.json": json.dumps(lock),
    }
    assert {package.name for package in npm.read(files)} == set(names)
    tool = Artifact(file="npm-11.tgz", hash="sha512:" + "0" * 128, source="npm/-/npm-11.tgz")
    return plan(
        image_set,
        epoch=0,
        bases={"debian:trixie-slim": {"linux/amd64": "sha256:" + "a" * 64}},
        locks={"debian": {"npm": files}},
        targets={"debian": (Target(platform="linux/amd64"),)},
        facts={},
        installers=(Installer(pin=Pin(name="npm", version="11", artifact=tool)),),
    )


def test_a_child_stage_runs_the_install_scripts_of_inherited_packages(image_set: ImageSet) -> None:
    dockerfile = render(npm_plan(image_set, ("canvas", "is-number")))[
        "debian-geospatial-build/Dockerfile"
    ]
    assert "npm rebuild canvas" in dockerfile


def test_install_scripts_of_a_missing_package_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "images.toml").write_text(
        IMAGES.replace('npm-scripts = ["canvas"]', 'npm-scripts = ["canvass"]')
    )
    with pytest.raises(ExpectedError, match="npm-scripts of debian-base-build names canvass"):
        npm_plan(read_image_set(tmp_path / "images.toml"), ("canvas", "is-number"))


@pytest.mark.parametrize(
    ("key", "value"), [("normalize", "rm /etc/example.id"), ("debconf", "a a/b select c")]
)
def test_keys_for_debian_packages_without_any_to_install_are_an_error(
    tmp_path: Path, key: str, value: str
) -> None:
    rule = f'apt = ["nodejs"]\n{key} = ["{value}"]'
    (tmp_path / "images.toml").write_text(IMAGES.replace('apt = ["nodejs"]', rule))
    with pytest.raises(ExpectedError, match=f"{key} of debian-core has no effect") as caught:
        npm_plan(read_image_set(tmp_path / "images.toml"), ("canvas", "is-number"))
    assert "move it to the stage that installs them" in caught.value.hint


def test_packages_inside_other_npm_tarballs_are_listed() -> None:
    lock_set = folder.read(ROOT / "locks/0.2.0")
    lock = json.loads(lock_set.files["debian/package-lock.json"])
    expected = {
        (path.rpartition("node_modules/")[2], entry["version"])
        for path, entry in lock["packages"].items()
        if path
    }
    listed = json.loads(render(plan_of(lock_set))["debian-base/packages-linux-amd64.json"])
    packages = [each for each in listed["packages"] if each["manager"] == "npm"]
    assert {(each["name"], each["version"]) for each in packages} == expected
    assert len(packages) == len(expected) == 347
