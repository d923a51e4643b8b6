"""The checks of git, in real repositories."""

import subprocess
from pathlib import Path

import pytest

from orbiter.doctor.repository import check_git
from orbiter.doctor.result import Outcome
from orbiter.lockset.git_files import write_git_files

RELEASE = "0.1.0"


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a repository with a lock set of one file."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    git(tmp_path, "init", "--quiet")
    (tmp_path / "locks" / RELEASE).mkdir(parents=True)
    (tmp_path / "locks" / RELEASE / "lockset.toml").touch()
    write_git_files(tmp_path / "locks")
    return tmp_path


def git(folder: Path, *words: str) -> None:
    subprocess.run(["git", "-C", folder, *words], check=True)


def check(repository: Path) -> Outcome:
    return check_git(repository / "locks", RELEASE)


def test_the_files_for_git_protect_lock_sets(repository: Path) -> None:
    assert check(repository).state == "ok"


def test_a_new_project_has_no_lock_sets_yet(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    assert check(tmp_path).state == "ok"


def test_outside_of_a_repository(tmp_path: Path) -> None:
    assert check(tmp_path).state == "skipped"


def test_git_ignores_lock_sets(repository: Path) -> None:
    (repository / "locks" / ".gitignore").unlink()
    (repository / ".gitignore").write_text("locks/\n", encoding="utf-8")
    found = check(repository)
    assert (found.state, ".gitignore:1:locks/" in found.detail) == ("warning", True)
    line = found.hint.rpartition(": ")[2]
    (repository / ".gitignore").write_text(f"locks/\n{line}\n", encoding="utf-8")
    assert check(repository).state == "ok"


def test_git_ignores_the_files_of_lock_sets(repository: Path) -> None:
    ignore = repository / "locks" / ".gitignore"
    ignore.unlink()
    (repository / ".gitignore").write_text("*.toml\n", encoding="utf-8")
    hint = check(repository).hint
    lines = hint.partition(": ")[2].split(" and ")
    ignore.write_text("\n".join(lines), encoding="utf-8")
    assert check(repository).state == "ok"


@pytest.mark.parametrize("text", ["", "*.toml text\n", "* -text\n"])
def test_unprotected_lock_files(repository: Path, text: str) -> None:
    (repository / "locks" / ".gitattributes").write_text(text, encoding="utf-8")
    found = check(repository)
    assert (found.state, ".gitattributes" in found.hint) == ("warning", True)


def test_changed_line_ends_of_own_files(repository: Path) -> None:
    git(repository, "config", "core.autocrlf", "true")
    found = check(repository)
    assert (found.state, found.hint) == ("warning", "run: git config core.autocrlf input")
