"""The version of the next release, and images.toml with it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from orbiter.release.bump import BumpStep, next_release
from tests.support.json_output import read_document

IMAGES = """\
# What we publish.
version = "0.1.0"   # the release
repository = "a/b"
[builder.debian]
from = "python:3.13-slim"
python = "3.13"   # as in trixie
pip-engine = "uv"

[image.debian.base.build]
pip = [
    "attrs",   # classes
]
[image.debian.base]
"""


def orbiter(project: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "orbiter", *words]
    return subprocess.run(
        command, cwd=project, env={**os.environ}, capture_output=True, text=True, check=False
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "images.toml").write_text(IMAGES)
    return tmp_path


@pytest.mark.parametrize(
    ("release", "step", "following"),
    [
        ("0.1.2", "patch", "0.1.3"),
        ("0.1.2", "minor", "0.2.0"),
        ("0.1.2", "major", "1.0.0"),
        ("0.2.0-rc1", "patch", "0.2.0"),
        ("0.2.0-rc1", "minor", "0.2.0"),
        ("0.2.0-rc1", "major", "1.0.0"),
        ("0.2.1-rc1", "minor", "0.3.0"),
        ("1.0.0-a.1", "major", "1.0.0"),
    ],
)
def test_the_next_release(release: str, step: BumpStep, following: str) -> None:
    assert next_release(release, step) == following


@pytest.mark.parametrize(
    ("step", "release"), [("patch", "0.1.1"), ("minor", "0.2.0"), ("major", "1.0.0")]
)
def test_only_the_version_changes(project: Path, step: str, release: str) -> None:
    (project / "images.toml").chmod(0o640)
    done = orbiter(project, "bump", step)
    assert (done.returncode, done.stdout) == (0, f"images.toml: 0.1.0 → {release}\n")
    assert (project / "images.toml").read_text() == IMAGES.replace("0.1.0", release)
    assert (project / "images.toml").stat().st_mode & 0o777 == 0o640
    assert [file.name for file in project.iterdir()] == ["images.toml"]


def test_as_json(project: Path) -> None:
    done = orbiter(project, "bump", "minor", "--format", "json")
    document = read_document("bump", done.stdout)
    assert (document["old"], document["new"], document["step"]) == ("0.1.0", "0.2.0", "minor")
    assert (project / "images.toml").read_text() == IMAGES.replace("0.1.0", "0.2.0")


def test_a_linked_images_toml_stays_a_link(project: Path, tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    (project / "images.toml").rename(tmp_path / "shared" / "ours.toml")
    (project / "images.toml").symlink_to("shared/ours.toml")
    assert orbiter(project, "bump", "patch").returncode == 0
    assert (project / "images.toml").is_symlink()
    assert (tmp_path / "shared" / "ours.toml").read_text() == IMAGES.replace("0.1.0", "0.1.1")
    assert [file.name for file in (tmp_path / "shared").iterdir()] == ["ours.toml"]


def test_a_locked_release_is_rejected(project: Path) -> None:
    (project / "locks" / "0.2.0").mkdir(parents=True)
    (project / "locks" / "0.2.0" / "lockset.toml").write_text("")
    done = orbiter(project, "bump", "minor")
    assert done.returncode == 2
    assert "release 0.2.0 is already locked" in done.stderr
    assert (project / "images.toml").read_text() == IMAGES


def test_auto_needs_a_locked_release(project: Path) -> None:
    done = orbiter(project, "bump", "auto")
    assert done.returncode == 2
    assert "release 0.1.0 is not locked" in done.stderr


@pytest.mark.index
@pytest.mark.engine
def test_auto_takes_the_suggestion_of_the_diff(project: Path) -> None:
    assert orbiter(project, "lock").returncode == 0
    assert (
        "images.toml stays at 0.1.0: nothing would change"
        in orbiter(project, "bump", "auto").stdout
    )
    grown = IMAGES.replace('"attrs",', '"attrs", "idna",')
    (project / "images.toml").write_text(grown)
    done = orbiter(project, "bump", "auto", "-q")
    assert done.stdout.startswith("images.toml: 0.1.0 → 0.2.0 (minor: idna "), done.stderr
    assert (project / "images.toml").read_text() == grown.replace("0.1.0", "0.2.0")
    assert [
        folder.name for folder in (project / "locks").iterdir() if not folder.name.startswith(".")
    ] == ["0.1.0"]
