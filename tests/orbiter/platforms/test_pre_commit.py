"""The hooks of .pre-commit-hooks.yaml in a real git repository, with the program pre-commit."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from orbiter.lockset import folder as lockset_folder
from tests.support.lock_sets import PROJECT, small
from tests.support.paths import ROOT

BIN = Path(sys.executable).parent
HOOKS = ROOT / ".pre-commit-hooks.yaml"
IDS = ["orbiter-lock-check", "orbiter-lint"]


class Repository:
    """A git repository with a fresh lock set."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "repository"
        self.folder.mkdir()
        self.cache = folder / "pre-commit"
        shutil.copy(PROJECT / "images.toml", self.folder)
        lockset_folder.write(small(), self.folder / "locks" / "0.1.0")
        self.run("git", "init", "--quiet")

    def run(self, *words: str | Path) -> "subprocess.CompletedProcess[str]":
        env = {
            **os.environ,
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "PRE_COMMIT_HOME": str(self.cache),
            "NO_COLOR": "1",
        }
        return subprocess.run(
            list(words), cwd=self.folder, env=env, capture_output=True, text=True, check=False
        )

    def configure(self, repository: dict[str, Any]) -> None:
        path = self.folder / ".pre-commit-config.yaml"
        path.write_text(yaml.safe_dump({"repos": [repository]}))

    def hooks(self) -> dict[str, str]:
        """Run the hooks on what is in the index; return the result of each."""
        self.run("git", "add", "--all")
        done = self.run(BIN / "pre-commit", "run")
        lines = [line for line in done.stdout.splitlines() if line.startswith("orbiter ")]
        assert lines, done.stdout + done.stderr
        results = {line.split("...")[0].strip("."): line.split(".")[-1] for line in lines}
        assert (done.returncode == 0) is ("Failed" not in results.values())
        return results


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """Return a repository whose hooks run the Orbiter of these tests."""
    made = Repository(tmp_path)
    hooks = yaml.safe_load(HOOKS.read_text())
    local = [{**hook, "language": "system"} for hook in hooks]
    made.configure({"repo": "local", "hooks": local})
    return made


def test_pre_commit_accepts_the_manifest(repository: Repository) -> None:
    done = repository.run(BIN / "pre-commit", "validate-manifest", HOOKS)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [hook["id"] for hook in yaml.safe_load(HOOKS.read_text())] == IDS


def test_a_fresh_lock_set_passes(repository: Repository) -> None:
    assert repository.hooks() == {"orbiter lock --check": "Passed", "orbiter lint": "Passed"}


def test_an_edit_without_a_lock_fails(repository: Repository) -> None:
    images = repository.folder / "images.toml"
    images.write_text(images.read_text().replace('"six"', '"six", "toml"'))
    assert repository.hooks()["orbiter lock --check"] == "Failed"


def test_a_fault_in_a_lock_file_fails(repository: Repository) -> None:
    path = repository.folder / "locks/0.1.0/debian/poetry.lock"
    path.write_text(path.read_text() + "\n<<<<<<< ours\n")
    assert repository.hooks() == {"orbiter lock --check": "Failed", "orbiter lint": "Failed"}


def test_lint_waits_for_lock_sets(repository: Repository) -> None:
    repository.run("git", "add", "--all")
    repository.run("git", "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "-m", "a")
    (repository.folder / "other.txt").write_text("other")
    assert repository.hooks() == {
        "orbiter lock --check": "Passed",
        "orbiter lint": "(no files to check)Skipped",
    }


@pytest.mark.index
@pytest.mark.slow
def test_pre_commit_installs_orbiter_from_this_repository(tmp_path: Path) -> None:
    made = Repository(tmp_path)
    source = tmp_path / "orbiter"
    made.run("git", "clone", "--quiet", ROOT, source)
    shutil.copy(HOOKS, source)
    git = ("git", "-C", source, "-c", "user.name=a", "-c", "user.email=a@b")
    made.run(*git, "add", "--all")
    made.run(*git, "commit", "--quiet", "--message", "hooks")
    revision = made.run(*git, "rev-parse", "HEAD").stdout.strip()
    made.configure({"repo": str(source), "rev": revision, "hooks": [{"id": each} for each in IDS]})
    assert made.hooks() == {"orbiter lock --check": "Passed", "orbiter lint": "Passed"}
