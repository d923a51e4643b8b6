"""``orbiter update`` upgrades the named packages, with limits for steps and for moves."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import jsonschema
import pytest
from msgspec.structs import replace

from orbiter.config.read import read_image_set
from orbiter.documents import schema_of
from orbiter.edit.report import MovesReport
from orbiter.edit.update import select
from orbiter.locking.limits import version_limits
from orbiter.locking.packages import locked_packages
from orbiter.lockset import folder as lock_sets
from orbiter.lockset.inputs import locked_files
from resolvers.errors import ExpectedError
from tests.support.conda_world import channel, record
from tests.support.npm_project import NpmProject
from tests.support.paths import ROOT
from tests.support.pip_project import Project
from tests.support.wheel_index import wheel_index

VERSIONS = ("1.0.1", "1.1", "2.0")


def versions(folder: Path, manager: str = "pip") -> dict[str, str]:
    lock_set = lock_sets.read(folder / "locks/0.1.0")
    builder = next(iter(lock_set.image_set.builders))
    files = locked_files(lock_set, builder, manager)
    return {package.name: package.version for package in locked_packages(manager, files)}


@pytest.fixture(params=["uv"])
def project(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Project]:
    """Return a project that is locked before new versions appear.

    ``app`` 1.1 needs a major step of ``base``. ``tool`` needs nothing.
    """
    with wheel_index() as main, wheel_index() as one, wheel_index() as two:
        made = Project(tmp_path, request.param, (main, one, two))
        main.add("tool", "1.0")
        main.add("base", "1.0")
        main.add("app", "1.0", "Requires-Dist: base<2")
        made.write('"app", "tool"')
        made.lock()
        for version in VERSIONS:
            main.add("tool", version)
            main.add("base", version)
        main.add("app", "1.0.1", "Requires-Dist: base<2")
        main.add("app", "1.1", "Requires-Dist: base>=2")
        yield made


def update(project: Project, *words: str, code: int = 0) -> str:
    done = project.run("update", *words, "--only", "pip", "-q")
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.index  # Poetry and pip-tools are installed from the index
@pytest.mark.parametrize("project", ["poetry", "uv", "pip-tools"], indirect=True)
def test_no_package_makes_a_larger_step_than_allowed(project: Project) -> None:
    update(project, "--patch")
    assert versions(project.folder) == {"app": "1.0.1", "base": "1.0", "tool": "1.0.1"}
    update(project, "--minor")
    assert versions(project.folder) == {"app": "1.0.1", "base": "1.0", "tool": "1.1"}
    printed = update(project)
    assert project.stale() == ""
    if project.engine == "pip-tools":  # pip-compile moves no pin that was not named
        assert versions(project.folder) == {"app": "1.0.1", "base": "1.0", "tool": "2.0"}
        return
    assert versions(project.folder) == {"app": "1.1", "base": "2.0", "tool": "2.0"}
    assert "↑ base 1.0 → 2.0: app 1.1 needs" in printed


def test_only_the_named_packages_move(project: Project) -> None:
    before = project.contents()
    update(project, "tool", "--dry-run")
    assert project.contents() == before
    update(project, "Tool")
    assert versions(project.folder) == {"app": "1.0", "base": "1.0", "tool": "2.0"}
    update(project, "base==1.1")
    assert versions(project.folder)["base"] == "1.1"


def test_too_many_moves_are_refused_and_explained(project: Project) -> None:
    before = project.contents()
    refused = update(project, "app", "--max-moves", "1", code=1)
    assert "2 packages would move, and --max-moves allows 1: nothing was written" in refused
    assert "    app moves 1 other\n" in refused
    assert project.contents() == before
    done = project.run(
        "update", "app", "--only", "pip", "-q", "--max-moves", "1", "--format", "json"
    )
    assert done.returncode == 1
    report = json.loads(done.stdout)
    jsonschema.Draft202012Validator(schema_of(MovesReport)).validate(report)
    assert (report["moved"], report["written"]) == (2, False)
    update(project, "app", "--max-moves", "2")
    assert versions(project.folder)["app"] == "1.1"


@pytest.mark.parametrize(
    ("words", "problem", "hint"),
    [
        (("toll",), "'toll' is not in the lock files (debian pip)", "did you mean 'tool'?"),
        (("tool", "--manager", "npm"), "'tool' is not in the lock files", "orbiter add"),
        (("tool==",), "update tool==: not a package", "NAME==VERSION"),
        (("tool==9",), "tool", "hint"),
        (("--image", "geo"), "has no image or stage 'geo'", "debian-base"),
    ],
)
def test_mistakes_change_nothing(
    project: Project, words: tuple[str, ...], problem: str, hint: str
) -> None:
    before = project.contents()
    printed = update(project, *words, code=2)
    assert problem in printed
    assert hint in printed
    assert project.contents() == before


def test_a_change_of_images_toml_may_be_too_large_for_any_update(project: Project) -> None:
    project.write('"app", "tool>=2"')
    before = project.contents()
    printed = update(project, "app", "--minor", code=2)
    assert "tool" in printed
    assert project.contents() == before


def test_without_a_lock_set_there_is_nothing_to_update(project: Project) -> None:
    (project.folder / "locks").rename(project.folder / "elsewhere")
    assert "nothing to update: no release is locked" in update(project, code=2)


IMAGES = """\
version = "0.1.0"
repository = "a/b"

[builder.micromamba]
channels = ["{channel}"]
installer = "rattler"

[image.micromamba.base]
[image.micromamba.base.build]
conda = ["app", "tool"]
"""


@pytest.fixture
def conda(tmp_path: Path) -> Callable[..., str]:
    def run(*words: str) -> str:
        command = [sys.executable, "-m", "orbiter", *words, "--only", "conda", "-q"]
        env = {**os.environ, "DOCKER_HOST": "unix:///nowhere.sock"}
        done = subprocess.run(
            command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    first = [record("tool", "1.0"), record("base", "1.0"), record("app", "1.0", "base <2")]
    address = channel(tmp_path / "channel", *first)
    (tmp_path / "images.toml").write_text(IMAGES.format(channel=address))
    run("lock")
    new = [record(name, version) for name in ("tool", "base") for version in VERSIONS]
    apps = [record("app", "1.0.1", "base <2"), record("app", "1.1", "base >=2")]
    channel(tmp_path / "channel", *first, *new, *apps)
    return run


def test_conda_keeps_the_limit_of_steps(conda: Callable[..., str], tmp_path: Path) -> None:
    conda("update", "--patch")
    assert versions(tmp_path, "conda") == {"app": "1.0.1", "base": "1.0", "tool": "1.0.1"}
    conda("update", "--minor")
    assert versions(tmp_path, "conda") == {"app": "1.0.1", "base": "1.0", "tool": "1.1"}
    printed = conda("update", "app")
    assert "↑ base 1.0 → 2.0: app 1.1 needs base>=2" in printed
    assert versions(tmp_path, "conda") == {"app": "1.1", "base": "2.0", "tool": "1.1"}


@pytest.mark.index  # npm's registry
def test_npm_holds_back_what_would_make_a_larger_step(tmp_path: Path) -> None:
    project = NpmProject(tmp_path)
    project.write('"is-odd@^1", "left-pad@1.2.0"')
    project.lock()
    project.write('"is-odd", "left-pad"')
    done = project.run("update", "--minor", "--only", "npm", "-q")
    assert done.returncode == 0, done.stderr
    found = versions(tmp_path, "npm")
    assert found["is-odd"].startswith("1.")
    assert found["left-pad"] == "1.3.0"
    assert "is-odd was not upgraded: is-odd 1.0.0 → 3.0.1 is a major step" in done.stderr


def test_the_limits_of_real_locks() -> None:
    lock_set = lock_sets.read(ROOT / "locks" / "0.2.0")
    files = locked_files(lock_set, "debian", "pip")
    locked = version_limits("pip", files, "minor")
    assert locked["numpy"] == ((2,),)
    assert version_limits("pip", files, "patch")["numpy"] == ((2, 5),)
    assert "tzdata" not in locked  # 2026.2 has the number of a year
    assert version_limits("pip", files, "") == {}


def test_images_and_managers_limit_what_is_selected() -> None:
    lock_set = lock_sets.read(ROOT / "locks" / "0.2.0")
    image_set = lock_set.image_set
    everything = select(image_set, lock_set, {})
    assert {manager for _, manager in everything.places} == {"apt", "npm", "pip"}
    assert "jupyterlab" in everything.packages
    assert "six" not in everything.packages
    of_npm = select(image_set, lock_set, {}, manager="npm")
    assert of_npm.places == {("debian", "npm")}
    assert "jupyterlab" not in of_npm.packages
    assert select(image_set, lock_set, {"six": "1.17.0"}).packages == {"six": "1.17.0"}
    with pytest.raises(ExpectedError, match="'six' is not in the lock files"):
        select(image_set, lock_set, {"six": ""}, manager="npm")
    with pytest.raises(ExpectedError, match="none of these requirements"):
        select(replace(image_set, stages=()), lock_set, {})
    assert read_image_set(ROOT / "images.toml").builders.keys() > image_set.builders.keys()
