"""``orbiter add`` and ``remove`` with real resolvers change images.toml and the lock set."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from orbiter.documents import schema_of
from orbiter.edit.report import MovesReport
from tests.support.conda_world import channel, record
from tests.support.npm_project import NpmProject
from tests.support.pip_project import Project
from tests.support.wheel_index import wheel_index


@pytest.fixture(params=["uv"])
def project(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Project]:
    """Return a project with an index of made-up packages; numbers 1 and 2 exist of each."""
    with wheel_index() as main, wheel_index() as one, wheel_index() as two:
        for version in ("1.0", "2.0"):
            main.add("base", version)
            main.add("plot", version, f"Requires-Dist: base=={version}")
            main.add("grid", version, f"Requires-Dist: base=={version}")
        main.add("alone", "1.4")
        main.add("alone", "1.5")
        yield Project(tmp_path, request.param, (main, one, two))


def files(project: Project) -> dict[str, bytes]:
    return project.contents() | {"images.toml": (project.folder / "images.toml").read_bytes()}


def run(project: Project, *words: str) -> str:
    done = project.run(*words, "--only", "pip", "-q")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.index  # Poetry is installed from the index
@pytest.mark.parametrize("project", ["poetry", "uv"], indirect=True)
def test_adding_writes_the_bound_of_the_locked_version_and_removing_undoes_it(
    project: Project,
) -> None:
    project.write('"plot==1.0"')
    project.lock()
    before = files(project)
    printed = run(project, "add", "alone")
    assert "    + alone>=1.5\n" in printed
    assert "    + alone 1.5: asked for\nmoved 1 of 3 packages\n" in printed
    assert b'pip = ["plot==1.0", "alone>=1.5"]' in files(project)["images.toml"]
    assert project.stale() == ""
    run(project, "remove", "alone")
    assert files(project)["images.toml"] == before["images.toml"]
    assert project.stale() == ""


@pytest.mark.index
@pytest.mark.parametrize("project", ["poetry", "uv", "pip-tools"], indirect=True)
def test_a_replaced_requirement_explains_every_move(project: Project) -> None:
    project.write('"plot==1.0", "alone"')
    project.lock()
    printed = run(project, "add", "plot>=2")
    assert "plot==1.0 → plot>=2" in printed
    assert "    ↑ plot 1.0 → 2.0: asked for\n" in printed
    needed = "base==2.0" if project.engine == "poetry" else "it"
    assert f"    ↑ base 1.0 → 2.0: plot 2.0 needs {needed}\n" in printed
    assert "moved 2 of 3 packages" in printed


def test_a_package_that_had_to_follow_is_explained(project: Project) -> None:
    project.write('"plot", "grid", "base==1.0"')
    project.lock()
    printed = run(project, "add", "base==2.0", "--dry-run")
    assert "↑ base 1.0 → 2.0: asked for" in printed
    assert "↑ plot 1.0 → 2.0: with base 2.0" in printed
    assert "↑ grid 1.0 → 2.0: with base 2.0" in printed


def test_an_added_package_never_follows_what_it_requires(project: Project) -> None:
    project.main.add("late", "1.0", "Requires-Dist: base")
    project.main.add("deeper", "1.0", "Requires-Dist: late")
    project.main.add("deep", "1.0", "Requires-Dist: deeper")
    project.main.add("top", "1.0", "Requires-Dist: deep", "Requires-Dist: base")
    project.write('"alone"')
    project.lock()
    printed = run(project, "add", "top", "--dry-run")
    assert "+ base 2.0: top 1.0 needs it" in printed
    assert "+ late 1.0: deeper 1.0 needs it" in printed
    assert ": with" not in printed


def test_a_failed_or_dry_run_changes_nothing(project: Project) -> None:
    project.write('"plot==1.0"')
    project.lock()
    before = files(project)
    done = project.run("add", "base==2.0", "--only", "pip")
    assert done.returncode == 2
    assert "base" in done.stderr
    assert files(project) == before
    assert "dry run: images.toml and its lock set were not written" in run(
        project, "add", "alone", "--dry-run"
    )
    assert files(project) == before
    done = project.run("add", "no-such-package", "--only", "pip")
    assert done.returncode == 2
    assert "for a Debian package use --manager apt\n" in done.stderr
    done = project.run("add", "no-such-package", "--only", "pip", "--manager", "pip")
    assert (done.returncode, "--manager apt" in done.stderr) == (2, False)
    assert files(project) == before


def test_a_lock_set_that_cannot_be_written_restores_images_toml(project: Project) -> None:
    project.write('"plot==1.0"')
    before = files(project)
    (project.folder / "locks").write_text("not a folder")
    done = project.run("add", "alone", "--only", "pip")
    assert done.returncode == 2, done.stdout
    assert (project.folder / "images.toml").read_bytes() == before["images.toml"]


def test_images_toml_and_the_lock_set_are_never_of_different_edits(project: Project) -> None:
    """The files for git are written last; here they cannot be."""
    project.write('"plot==1.0"')
    project.lock()
    attributes = project.folder / "locks/.gitattributes"
    attributes.unlink()
    attributes.symlink_to("missing/folder")
    done = project.run("add", "alone", "--only", "pip", "-q")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert b"alone" in files(project)["images.toml"]
    attributes.unlink()
    assert project.stale() == ""


def test_no_lock_only_edits(project: Project) -> None:
    project.write('"plot"')
    done = project.run("add", "alone", "base>=1", "--no-lock")
    assert done.returncode == 0
    assert done.stdout.endswith("wrote images.toml: run orbiter lock\n")
    assert b'pip = ["plot", "alone", "base>=1"]' in files(project)["images.toml"]
    assert not project.contents()
    again = project.run("add", "alone", "--no-lock")
    assert again.stdout == (
        "image.debian.base.build.pip already has alone\nimages.toml is unchanged\n"
    )


def test_the_error_says_who_needs_a_package(project: Project) -> None:
    project.write('"plot"')
    project.lock()
    done = project.run("remove", "base")
    assert done.returncode == 2
    assert "'base' is not in the requirements in images.toml" in done.stderr
    assert "it is required by plot" in done.stderr


def test_the_json_follows_its_schema(project: Project) -> None:
    project.write('"plot==1.0"')
    project.lock()
    report: dict[str, Any] = json.loads(run(project, "add", "plot>=2", "--format", "json"))
    jsonschema.Draft202012Validator(schema_of(MovesReport)).validate(report)
    assert (report["packages"], report["moved"], report["written"]) == (2, 2, True)
    base = next(move for move in report["moves"] if move["name"] == "base")
    assert base["because"]["name"] == base["root"] == "plot"
    edit = json.loads(project.run("remove", "plot", "--no-lock", "--format", "json").stdout)
    jsonschema.Draft202012Validator(schema_of(MovesReport)).validate(edit)
    assert edit["edits"][0]["old"] == "plot>=2"
    assert not edit["locked"]


def test_a_released_lock_set_is_not_changed(project: Project) -> None:
    project.write('"plot"')
    project.lock()
    (project.folder / "locks/0.1.0/digests.toml").write_text("")
    before = (project.folder / "images.toml").read_bytes()
    done = project.run("add", "alone", "--only", "pip")
    assert done.returncode == 2
    assert (project.folder / "images.toml").read_bytes() == before


@pytest.mark.index  # npm's registry
def test_npm_gets_a_caret(tmp_path: Path) -> None:
    project = NpmProject(tmp_path)
    project.write('"is-odd@^3"')
    project.lock()
    done = project.run("add", "left-pad", "--manager", "npm", "--only", "npm", "-q")
    assert done.returncode == 0, done.stderr
    assert 'npm = ["is-odd@^3", "left-pad@^1.3.0"]' in (tmp_path / "images.toml").read_text()
    assert project.stale() == ""
    done = project.run("add", "is-odd@^2", "--only", "npm", "-q")
    assert "is-odd@^3 → is-odd@^2" in done.stdout
    assert "asked for" in done.stdout


CONDA = """\
version = "0.1.0"
repository = "a/b"

[builder.micromamba]
channels = ["{channel}"]
installer = "rattler"

[image.micromamba.base]
[image.micromamba.base.build]
conda = ["python"]  # the interpreter
"""


def test_conda_gets_compatible_versions_and_explains_what_follows(tmp_path: Path) -> None:
    address = channel(
        tmp_path / "channel",
        record("python", "3.12.4"),
        record("proj", "8.0"),
        record("proj", "9.2"),
        record("gdal", "1.0", "proj 8.*"),
        record("gdal", "2.0", "proj >=9,<10"),
    )
    (tmp_path / "images.toml").write_text(CONDA.format(channel=address))

    def orbiter(*words: str) -> str:
        command = [sys.executable, "-m", "orbiter", *words, "--only", "conda", "-q"]
        env = {**os.environ, "DOCKER_HOST": "unix:///nowhere.sock"}
        done = subprocess.run(
            command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    orbiter("add", "gdal=1")
    assert 'conda = ["python", "gdal=1"]  # the' in (tmp_path / "images.toml").read_text()
    printed = orbiter("add", "gdal>=2")
    assert "↑ gdal 1.0 → 2.0: asked for" in printed
    assert "↑ proj 8.0 → 9.2: gdal 2.0 needs proj>=9,<10" in printed
    orbiter("add", "proj")
    assert '"gdal>=2", "proj>=9.2,<10"]' in (tmp_path / "images.toml").read_text()
