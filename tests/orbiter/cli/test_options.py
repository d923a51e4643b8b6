"""Names on the command line, and images.toml compared with the lock set, on a real release."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import ROOT

RELEASES = ROOT / "locks"
RELEASE = ("--release", "0.2.0")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a project with the locked releases 0.1.0 and 0.2.0, and images.toml for 0.3.0."""
    shutil.copytree(RELEASES, tmp_path / "locks")
    shutil.copy(ROOT / "images.toml", tmp_path)
    return tmp_path


def run(project: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    # Without an engine and a store, a command that goes on fails early, and fetches nothing.
    environment = os.environ | {
        "DOCKER_HOST": "unix:///nonexistent/docker.sock",
        "ORBITER_CACHE_DIR": str(project / "cache"),
        "HOME": str(project),
    }
    command = [sys.executable, "-m", "orbiter", *words]
    return subprocess.run(
        command, cwd=project, env=environment, capture_output=True, text=True, check=False
    )


def error_of(project: Path, *words: str) -> str:
    result = run(project, *words)
    assert (result.returncode, result.stdout) == (2, "")
    assert not any(path.is_file() for path in (project / "cache").rglob("*"))
    return result.stderr


def test_an_unknown_image_is_reported_before_anything_is_fetched(project: Path) -> None:
    for command in ("build", "push"):
        error = error_of(project, command, *RELEASE, "--image", "debian-bas")
        assert "error: release 0.2.0 has no image or stage 'debian-bas'" in error
        assert "did you mean 'debian-base'?" in error
        assert "debian-core" in error


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("report", "0.2.0", "--database", "."), "--database needs --vulnerabilities"),
        (("report", "0.2.0", "--max-age", "30"), "--max-age needs --vulnerabilities"),
        (
            ("diff-locks", "0.1.0", "0.2.0", "--database", "."),
            "--database needs --vulnerabilities or --lint",
        ),
        (
            ("diff-locks", "0.1.0", "0.2.0", "--lint", "--max-age", "9"),
            "--max-age needs --vulnerabilities",
        ),
        (("audit", "image", "--fail-on", "high"), "--fail-on needs --vulnerabilities"),
        (("audit", "image", "--database", "."), "--database needs --vulnerabilities"),
        (("audit", "--vulnerabilities", "--files"), "--files needs TARGET"),
        (("audit", "--vulnerabilities", "--platform", "a/b"), "--platform needs TARGET"),
        (("binder", "base", "--hub", "https://x.org"), "--hub needs --content"),
        (("binder", "base", "--interface", "lab"), "--interface needs --content"),
        (("binder", "base", "--ref", "main"), "--ref needs --environment"),
        (("binder", "base", "--binder", "https://x.org"), "--binder needs --environment"),
        (("ci", "gitlab", "--branch", "main"), "--branch needs github"),
        (
            ("add", "six", "--no-lock", "--only", "pip", "--image", "debian-base"),
            "--no-lock and --only exclude each other",
        ),
    ],
)
def test_an_option_without_effect_is_an_error(
    project: Path, words: tuple[str, ...], problem: str
) -> None:
    before = {path: path.read_bytes() for path in project.rglob("*") if path.is_file()}
    assert f"error: {problem}\n" in error_of(project, *words)
    assert {path: path.read_bytes() for path in project.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("words", [("fetch", *RELEASE), ("report", "0.2.0"), ("osv", "update")])
def test_a_cache_that_cannot_be_made_is_an_error_with_the_remedy(
    project: Path, words: tuple[str, ...]
) -> None:
    # Not a folder without permissions, because root, who may run this test, may write to it.
    (project / "cache").write_text("a file in place of the folder")
    error = error_of(project, *words)
    assert error.startswith(f"error: {project}/cache")
    assert error.endswith("\n\nhint: name another folder in ORBITER_CACHE_DIR\n")


def test_a_file_that_cannot_be_written_is_an_error_in_plain_words(project: Path) -> None:
    (project / "binder").write_text("a file in place of the folder")
    (project / ".github").write_text("a file in place of the folder")
    expected = "error: .github/workflows/images.yml cannot be written: Not a directory\n"
    assert error_of(project, "ci", "github").startswith(expected)
    expected = "error: cannot write binder/Dockerfile: File exists\n"
    assert expected in error_of(project, "binder", "debian-base", *RELEASE)


def test_the_images_with_jupyterlab_are_listed_if_another_one_is_run(project: Path) -> None:
    error = error_of(project, "run", "core", *RELEASE)
    assert "error: 'debian-core' has no JupyterLab to run" in error
    assert "hint: images with JupyterLab: debian-base\n" in error


def test_a_missing_engine_is_reported_before_anything_is_fetched(project: Path) -> None:
    errors = {error_of(project, *words) for words in (("build", *RELEASE), ("push", *RELEASE))}
    assert len(errors) == 1
    [error] = errors
    assert "error: cannot connect to a Docker engine: No such file or directory" in error
    assert "hint: start the Docker engine of this address, or correct or unset DOCKER_HOST" in error


@pytest.mark.parametrize("platform", ["linux-64", "x86_64", "linux/x86_64"])
def test_a_platform_of_another_tool_gets_the_name_of_docker(project: Path, platform: str) -> None:
    error = error_of(project, "build", *RELEASE, "--platform", platform)
    assert f"release 0.2.0 is not locked for {platform}" in error
    assert "did you mean linux/amd64?" in error


def test_a_short_name_is_enough_if_only_one_builder_has_the_image(project: Path) -> None:
    error = error_of(project, "shell", *RELEASE, "base")
    assert "no image or stage" not in error


def test_a_release_may_be_named_like_its_git_tag(project: Path) -> None:
    assert run(project, "diff-locks", "v0.1.0", "v0.2.0").returncode == 0
    assert "no image or stage 'x'" in error_of(project, "build", "--release", "v0.1.0", "--image=x")


def test_an_unknown_release_is_reported_with_the_locked_ones(project: Path) -> None:
    for words in ((), ("--release", "0.3.0")):
        error = error_of(project, "build", *words)
        assert "error: release 0.3.0 is not locked" in error
        assert "choose a locked release (0.1.0, 0.2.0), or run orbiter lock" in error


def test_an_image_in_place_of_a_release_gets_the_locked_ones(project: Path) -> None:
    for words in (("report", "debian-base"), ("build", "--release", "debian-base")):
        error = error_of(project, *words)
        assert "error: 'debian-base' is not a release\n" in error
        assert "hint: choose a locked release (0.1.0, 0.2.0)" in error


@pytest.mark.parametrize(
    ("words", "missing", "values"),
    [
        (("attest", *RELEASE, "debian-base"), "option '--image'", "debian-base, debian-core"),
        (("report",), "argument 'RELEASE'", "0.1.0, 0.2.0"),
        (
            ("diff-locks",),
            "argument 'OLD'",
            "0.1.0, 0.2.0, or name a lock file, the folder of a lock set, or one at a git "
            "revision (main:locks/0.1.0)",
        ),
    ],
)
def test_a_missing_value_gets_those_of_the_project(
    project: Path, words: tuple[str, ...], missing: str, values: str
) -> None:
    error = error_of(project, *words)
    assert error.startswith(f"error: missing {missing}\n\nhint: choose one of {values}\n")


def test_a_changed_images_toml_is_a_warning_and_with_locked_an_error(project: Path) -> None:
    images = project / "images.toml"
    images.write_text(images.read_text().replace('version = "0.3.0"', 'version = "0.2.0"'))
    # The unknown image ends the command after the warning.
    words = ("build", "--image", "x")
    error = error_of(project, *words)
    assert error.startswith("warning: images.toml has changed since release 0.2.0 was locked:\n")
    assert "\n  and " in error
    # The same form as the warnings of other commands.
    assert "\n    hint: run orbiter lock to include the changes\n" in error
    assert "no image or stage" in error
    error = error_of(project, *words, "--locked")
    assert error.startswith("error: images.toml has changed since release 0.2.0 was locked:\n")
    assert "no image or stage" not in error


def test_another_release_is_not_compared_with_images_toml(project: Path) -> None:
    (project / "images.toml").unlink()
    error = error_of(project, "build", "--release", "0.1.0", "--locked", "--image", "x")
    assert error.startswith("error: release 0.1.0 has no image or stage 'x'")


@pytest.mark.parametrize("words", [("report",), ("binder",), ("build", *RELEASE, "--image")])
def test_an_error_shows_no_control_character_of_an_argument(
    project: Path, words: tuple[str, ...]
) -> None:
    error = error_of(project, *words, "a\x1b]0;x\x07\u202eb")
    assert "a\ufffd]0;x\ufffd\ufffdb" in error
    assert [line for line in error.splitlines() if not line.isprintable()] == []


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("report", "0.2.0", "-o", "locks"), "'locks' is a folder, not a file"),
        (("binder", "x", "--folder", "images.toml"), "'images.toml' is a file, not a folder"),
        (("run", "x", "--port", "80x"), "'80x' is not a whole number"),
        (("run", "x", "--port", "99999"), "99999 is not from 1 to 65535"),
    ],
)
def test_a_wrong_value_is_named_in_plain_words(
    project: Path, words: tuple[str, ...], problem: str
) -> None:
    assert f": {problem}\n" in error_of(project, *words)
