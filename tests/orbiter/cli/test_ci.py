"""The command ci: files, options and errors."""

import subprocess
import sys
from pathlib import Path

import pytest

IMAGES = """version = "0.1.0"
repository = "team/notebooks"
[builder.debian]
from = "debian:trixie-slim"
[image.debian.core]
"""


def ci(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "orbiter", "ci", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "images.toml").write_text(IMAGES)
    return tmp_path


@pytest.mark.parametrize(
    ("service", "path"),
    [("github", ".github/workflows/images.yml"), ("gitlab", ".gitlab-ci.yml")],
)
def test_a_workflow_is_written_once(folder: Path, service: str, path: str) -> None:
    done = ci(folder, service)
    assert (done.returncode, done.stdout) == (0, f"wrote {path}: read it, then commit it\n")
    text = (folder / path).read_text()
    assert ci(folder, service).stdout == f"{path} is up to date\n"
    (folder / path).write_text("edited")
    done = ci(folder, service)
    assert done.returncode == 2
    assert f"error: {path} already exists\n\nhint: replace it with --force" in done.stderr
    assert (folder / path).read_text() == "edited"
    assert ci(folder, service, "--force").returncode == 0
    assert (folder / path).read_text() == text
    assert ci(folder, service, "--output", "-").stdout == text


def test_options_reach_the_workflow(folder: Path) -> None:
    words = ("--install", "orbiter @ git+https://example.org/o", "--branch", "stable")
    text = ci(folder, "github", *words, "--supported", "7", "-o", "-").stdout
    assert 'ORBITER: "orbiter @ git+https://example.org/o"' in text
    assert 'branches: ["stable"]' in text
    assert "tail --lines=7 " in text
    assert "orbiter test" not in text
    (folder / "images.toml").write_text(f'{IMAGES}verify = ["true"]\n')
    assert "orbiter test" in ci(folder, "github", "-o", "-").stdout


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("github", "--branch", "a b"), "--branch a b: not the name of a branch"),
        (("github", "--branch", '"]\nx: ['), "not the name of a branch"),
        (("gitlab", "--supported", "0"), "invalid value for '--supported'"),
        (("jenkins",), "invalid value"),
        ((), "missing argument"),
        (("github", "-o", "images.toml/x"), "images.toml"),
        (("gitlab", "-o", "/proc/x"), "/proc/x"),
    ],
)
def test_mistakes_are_errors(folder: Path, words: tuple[str, ...], problem: str) -> None:
    done = ci(folder, *words)
    assert done.returncode == 2
    assert problem in done.stderr
    assert "Traceback" not in done.stderr
    assert not done.stdout


def test_without_images_toml_nothing_is_written(tmp_path: Path) -> None:
    done = ci(tmp_path, "github")
    assert done.returncode == 2
    assert "images.toml" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_workflow_is_written_to_a_pipe(folder: Path) -> None:
    done = ci(folder, "github", "--output", "/dev/stdout")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (
        0,
        "wrote /dev/stdout: read it, then commit it",
    )
    assert "runs-on: ubuntu-latest" in done.stdout
