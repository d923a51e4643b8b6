"""Export of a committed lock set for pip, uv, npm and repo2docker, which accept the files."""

import json
import os
import platform
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from msgspec.structs import replace

from orbiter.convert import export_npm, export_pip
from orbiter.convert.export_binder import binder_folder
from orbiter.convert.export_pip import ImagePlan
from orbiter.lockset import folder
from resolvers import uv_program
from resolvers.errors import ExpectedError
from resolvers.types.packages import Artifact, Pin
from tests.support.paths import ROOT

FEW = ("attrs", "idna", "six")
"""Packages that pip and uv download in the tests: small ones."""
TARGET = ("--dry-run", "--python-version", "3.13", "--target", "target")


@pytest.fixture(scope="module")
def image() -> ImagePlan:
    return export_pip.select(folder.read(ROOT / "locks" / "0.2.0"), "debian-base", "")


@pytest.fixture(scope="module")
def few(image: ImagePlan) -> ImagePlan:
    """Return the image with a few of its Python packages."""
    stages = []
    for stage in image.plan.stages:
        pins = {
            name: {**found, "pip": tuple(pin for pin in found.get("pip", ()) if pin.name in FEW)}
            for name, found in stage.pins.items()
        }
        stages.append(replace(stage, pins=pins))
    return replace(image, plan=replace(image.plan, stages=tuple(stages)))


def run(cwd: Path, *words: str | Path) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, **uv_program.environment()}
    command = [str(word) for word in words]
    return subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )


def test_requirements_have_every_package_with_its_hash(image: ImagePlan) -> None:
    text = export_pip.requirements(image)
    expected = (ROOT / "locks/0.2.0/build/debian-base-build/pip-linux-amd64.txt").read_text()
    lines = text.replace(" \\\n    --hash", " --hash").splitlines()
    assert sorted(line for line in lines if line[0] != "#") == expected.splitlines()
    assert "# They are for Python 3.13.5." in text


@pytest.mark.index
def test_pip_accepts_the_hashes(few: ImagePlan, tmp_path: Path) -> None:
    path = tmp_path / "requirements.txt"
    path.write_text(export_pip.requirements(few))
    pip = (sys.executable, "-m", "pip", "install", *TARGET, "--only-binary=:all:", "--no-deps")
    command = (*pip, "--ignore-installed", "--require-hashes", "-r", path)
    done = run(tmp_path, *command)
    assert done.returncode == 0, done.stderr
    assert all(name in done.stdout for name in FEW)
    digest = path.read_text().partition("sha256:")[2][:64]
    path.write_text(path.read_text().replace(digest, digest[::-1]))
    assert run(tmp_path, *command).returncode == 1


@pytest.mark.index
def test_pip_and_uv_accept_pylock_toml(few: ImagePlan, tmp_path: Path) -> None:
    """Neither program selects files of a lock for another Python, so the image has this one."""
    facts = replace(few.plan.facts["debian"], python=platform.python_version())
    own = replace(few, plan=replace(few.plan, facts={"debian": facts}))
    path = tmp_path / "pylock.toml"
    path.write_text(export_pip.pylock(own, export_pip.index_addresses(own)))
    pip = (sys.executable, "-m", "pip", "install", "--ignore-installed", "-r", path)
    uv = (uv_program.program(), "pip", "sync", "--python", sys.executable, path)
    for words in (pip, uv):
        done = run(tmp_path, *words, "--dry-run", "--target", "target")
        assert done.returncode == 0, done.stderr
        assert all(name in done.stdout + done.stderr for name in FEW)


def test_pylock_has_every_package_and_no_credentials(image: ImagePlan) -> None:
    text = export_pip.pylock(image, lambda pin: f"https://example.org/{pin.artifact.file}")
    data = tomllib.loads(text)
    assert data["lock-version"] == "1.0"
    assert data["requires-python"] == "==3.13.*"
    versions = {package["name"]: package["version"] for package in data["packages"]}
    assert versions == {pin.name: pin.version for pin in image.pins("pip")}
    wheel = data["packages"][0]["wheels"][0]
    assert wheel["hashes"] == {"sha256": image.pins("pip")[0].artifact.hash.removeprefix("sha256:")}
    url = "https://user:wo/rd@example.org/simple/a.whl?sig=word&file=1#sha256=00"
    assert export_pip.without_login(url) == "https://example.org/simple/a.whl?file=1"


@pytest.mark.index
def test_npm_accepts_the_lock(image: ImagePlan, tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text(export_npm.package(image))
    lock = export_npm.package_lock(image)
    (tmp_path / "package-lock.json").write_text(lock)
    entries = {path: entry for path, entry in json.loads(lock)["packages"].items() if path}
    assert all("integrity" in entry or entry["inBundle"] for entry in entries.values())
    assert not any("resolved" in entry for entry in entries.values())
    done = run(tmp_path, "npm", "ci", "--dry-run", "--ignore-scripts", "--no-audit")
    assert done.returncode == 0, done.stderr
    assert "added" in done.stdout


def test_a_lock_has_the_addresses_that_images_require(image: ImagePlan) -> None:
    """Without its address, npm would take another package of the same name from its registry."""
    addresses = {
        "git": f"git+https://example.org/lab/charts.git#{'0' * 40}",
        "tarball": "https://example.org/charts-1.0.0.tgz",
        "file": "file:../charts.tgz",
    }
    packages = {
        f"node_modules/{name}": {"version": "1.0.0", "resolved": address}
        for name, address in addresses.items()
    }
    text = json.dumps({"lockfileVersion": 3, "packages": {"": {}, **packages}})
    stages = tuple(
        replace(stage, files={"package-lock.json": text})
        if "package-lock.json" in stage.files
        else stage
        for stage in image.plan.stages
    )
    changed = replace(image, plan=replace(image.plan, stages=stages))
    entries = json.loads(export_npm.package_lock(changed))["packages"]
    assert entries["node_modules/git"]["resolved"] == addresses["git"]
    assert entries["node_modules/tarball"]["resolved"] == addresses["tarball"]
    assert "resolved" not in entries["node_modules/file"]


def test_a_binder_folder_pins_what_pip_installs(image: ImagePlan) -> None:
    exported = binder_folder(image)
    assert list(exported.files) == ["requirements.txt", "runtime.txt", "apt.txt"]
    lines = exported.files["requirements.txt"].splitlines()[1:]
    assert lines == [f"{pin.name}=={pin.version}" for pin in image.pins("pip")]
    assert exported.files["runtime.txt"] == "python-3.13\n"
    names = exported.files["apt.txt"].splitlines()[1:]
    assert {"nodejs", "libcairo2"} <= {*names}
    assert not any(name.startswith("?") for name in names)
    assert [each.what for each in exported.left_out] == [
        f"the versions of {len(names)} Debian packages",
        f"{len(image.pins('npm'))} npm packages",
        "postbuild",
    ]


def with_pip(image: ImagePlan, source: str) -> ImagePlan:
    """Return the image with one Python package of a source."""
    artifact = Artifact(file="lab-1-py3-none-any.whl", hash=f"sha256:{'0' * 64}", source=source)
    pins = {"linux/amd64": {"pip": (Pin(name="lab", version="1", artifact=artifact),)}}
    stages = tuple(replace(stage, pins=pins) for stage in image.plan.stages)
    return replace(image, plan=replace(image.plan, stages=stages))


def test_a_package_with_an_address_keeps_it(image: ImagePlan) -> None:
    addressed = with_pip(image, "url:https://example.org/lab-1-py3-none-any.whl")
    line = "lab @ https://example.org/lab-1-py3-none-any.whl"
    assert f"\n{line} \\\n    --hash=sha256:000" in export_pip.requirements(addressed)
    assert line in binder_folder(addressed).files["requirements.txt"]
    data = tomllib.loads(export_pip.pylock(addressed, lambda _: ""))
    assert data["packages"][0]["archive"]["url"] == line.partition(" @ ")[2]


def test_a_project_of_the_repository_cannot_be_exported(image: ImagePlan) -> None:
    project = with_pip(image, f"folder:./lab@{'0' * 64}")
    with pytest.raises(ExpectedError, match="lab is made from a folder of the repository"):
        export_pip.requirements(project)


def test_conda_packages_have_their_builds(image: ImagePlan) -> None:
    artifact = Artifact(
        file="numpy-2.1-py312h1_0.conda", hash=f"md5:{'0' * 32}", source="https://example.org/n"
    )
    pins = {"linux/amd64": {"conda": (Pin(name="numpy", version="2.1", artifact=artifact),)}}
    stages = tuple(replace(stage, pins=pins) for stage in image.plan.stages)
    exported = binder_folder(replace(image, plan=replace(image.plan, stages=stages)))
    data = yaml.safe_load(exported.files["environment.yml"])
    assert data["dependencies"] == ["numpy=2.1=py312h1_0"]
    assert "requirements.txt" not in exported.files


def orbiter(cwd: Path, *words: str | Path) -> "subprocess.CompletedProcess[str]":
    return run(cwd, sys.executable, "-m", "orbiter", "-C", ROOT, "export", *words)


def test_the_command_writes_a_folder_once(tmp_path: Path) -> None:
    target = tmp_path / "new"
    words = ("binder", "--image", "debian-base", "--release", "0.2.0", "-o", target)
    done = orbiter(tmp_path, *words)
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in target.iterdir()) == [
        "apt.txt",
        "requirements.txt",
        "runtime.txt",
    ]
    again = orbiter(tmp_path, *words)
    assert again.returncode == 2
    assert f"{target} already exists" in again.stderr


@pytest.mark.parametrize("form", ["explicit", "environment", "conda-lock"])
def test_an_image_without_conda_packages_is_an_error(tmp_path: Path, form: str) -> None:
    done = orbiter(tmp_path, form, "--image", "debian-base", "--release", "0.2.0")
    assert done.returncode == 2
    assert "has no conda packages" in done.stderr


@pytest.mark.parametrize("form", ["requirements", "pylock", "package", "package-lock", "binder"])
def test_an_image_without_packages_is_an_error(tmp_path: Path, form: str) -> None:
    done = orbiter(tmp_path, form, "--image", "debian-core", "--release", "0.2.0")
    assert done.returncode == 2
    assert "has no" in done.stderr or "has neither" in done.stderr
    assert not list(tmp_path.iterdir())
