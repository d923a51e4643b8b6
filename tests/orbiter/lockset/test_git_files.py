"""Lock sets in real git repositories: ignored files, changed line ends, and conflict markers."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from orbiter.lockset import folder, git_files, model, record
from orbiter.lockset.model import LockSetError
from tests.support import lock_sets

ROOT = Path(__file__).parents[3]
RELEASE = "0.2.0"
SMALL = "0.1.0"
PYTHON_TEMPLATE = """\
# Lines of GitHub's template Python.gitignore
build/
develop-eggs/
dist/
lib/
*.egg
*.manifest
*.log
*.mo
"""
IGNORES = PYTHON_TEMPLATE + "*.lock\n*.json\n*.yml\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Make a repository with a small lock set."""
    made = tmp_path / "project"
    folder.write(lock_sets.small(), made / "locks" / SMALL)
    shutil.copy(lock_sets.PROJECT / "images.toml", made)
    git(made, "init", "--quiet", "--initial-branch=main")
    return made


def git(cwd: Path, *words: str) -> str:
    settings = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
    command = ["git", *settings, *words]
    return subprocess.run(
        command, cwd=cwd, check=True, capture_output=True, text=True, env=environment
    ).stdout


def commit(cwd: Path) -> None:
    git(cwd, "add", "--all")
    git(cwd, "commit", "--quiet", "--message", "all")


def check(cwd: Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "orbiter", "lock", "--check"]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


def files(lock_set: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(lock_set)): path.read_bytes()
        for path in lock_set.rglob("*")
        if path.is_file()
    }


def clone(project: Path, *settings: str) -> Path:
    copy = project.with_name("clone")
    git(project.parent, "clone", "--quiet", *settings, str(project), str(copy))
    return copy


def test_the_files_of_a_lock_set_reach_a_clone_whatever_templates_ignore(project: Path) -> None:
    (project / ".gitignore").write_text(IGNORES)
    git_files.write_git_files(project / "locks")
    commit(project)
    copy = clone(project)
    assert files(copy / "locks" / SMALL) == files(project / "locks" / SMALL)
    (project / "locks" / ".0.3.0.new-dead").mkdir()
    (project / "locks" / ".0.3.0.new-dead" / "file").write_text("")
    assert git(project, "status", "--porcelain") == ""


def test_check_names_the_rule_that_ignores_a_file_and_lines_that_help(project: Path) -> None:
    (project / ".gitignore").write_text(IGNORES)
    found = check(project)
    assert found.returncode == 1
    assert found.stdout == (
        f"git ignores locks/{SMALL}/build/debian-base/Dockerfile (.gitignore:2:build/), "
        "so a commit of the lock set lacks it\n"
    )
    assert found.stderr == ("\nhint: write these lines into locks/.gitignore: !/*/ and !/*/**\n")
    (project / "locks" / ".gitignore").write_text("!/*/\n!/*/**\n")
    assert check(project).returncode == 0


def test_check_reports_an_ignored_file_of_a_stale_lock_set_too(project: Path) -> None:
    images = project / "images.toml"
    images.write_text(images.read_text().replace('"attrs", "six"', '"attrs"'))
    (project / ".gitignore").write_text(IGNORES)
    found = check(project)
    assert found.returncode == 1
    stale, ignored = found.stdout.splitlines()
    assert stale.startswith("stale: images.toml: ")
    assert ignored.startswith(f"git ignores locks/{SMALL}/build/")
    assert found.stderr == (
        "\nhint: run orbiter lock\n  write these lines into locks/.gitignore: !/*/ and !/*/**\n"
    )


def test_check_is_not_misled_by_leftovers_of_killed_runs_and_keeps_them(project: Path) -> None:
    locks = project / "locks"
    leftovers = (locks / f".{SMALL}.old", locks / f".{SMALL}.new-dead" / SMALL)
    for leftover in leftovers:
        shutil.copytree(locks / SMALL, leftover)
        (leftover / "images.toml").write_text("broken")
    before = files(locks)
    found = check(project)
    assert (found.returncode, found.stdout) == (0, f"locks/{SMALL} is fresh\n")
    assert files(locks) == before
    shutil.rmtree(locks / SMALL)
    found = check(project)
    assert (found.returncode, found.stdout) == (2, "")
    assert f"hint: restore it: mv locks/.{SMALL}.old locks/{SMALL}\n" in found.stderr
    shutil.rmtree(leftovers[0])
    found = check(project)
    assert (found.returncode, found.stderr) == (1, "\nhint: run orbiter lock\n")
    assert found.stdout == (
        f"stale: images.toml: version: release {SMALL} has no lock set locks/{SMALL}\n"
    )


def test_check_says_how_to_include_a_whole_ignored_folder(project: Path) -> None:
    git_files.write_git_files(project / "locks")
    (project / ".gitignore").write_text("locks/\n")
    found = check(project)
    assert found.returncode == 1
    line = "!/locks/"
    assert found.stderr.endswith(f"the .gitignore of the repository: {line}\n")
    with (project / ".gitignore").open("a") as file:
        file.write(f"{line}\n")
    assert check(project).returncode == 0


def test_check_mentions_untracked_files_and_is_silent_without_git(project: Path) -> None:
    found = check(project)
    assert (found.returncode, found.stdout) == (0, f"locks/{SMALL} is fresh\n")
    first = f"locks/{SMALL}/build/debian-base/Dockerfile"
    assert found.stderr.startswith(f"hint: {first} is not in git yet (and ")
    assert found.stderr.endswith(" more): git add images.toml locks\n")
    commit(project)
    assert "not in git" not in check(project).stderr
    git(project, "rm", "--quiet", "--cached", first)
    assert check(project).stderr == f"hint: {first} is not in git yet: git add images.toml locks\n"
    git(project, "add", "locks")
    git(project, "rm", "--quiet", "--cached", "images.toml")
    assert "hint: images.toml is not in git yet: git add" in check(project).stderr
    shutil.rmtree(project / ".git")
    (project / ".gitignore").write_text(IGNORES)
    found = check(project)
    assert (found.returncode, "git" in found.stderr) == (0, False)


def test_a_clone_without_ignored_files_says_why_and_what_to_do(project: Path) -> None:
    (project / ".gitignore").write_text(PYTHON_TEMPLATE)
    commit(project)
    copy = clone(project)
    found = check(copy)
    assert found.returncode == 2
    assert "build/" in found.stderr
    assert "listed in lockset.toml, but missing" in found.stderr
    assert (
        "hint: git ignores it (.gitignore:2:build/), so it was not committed: where the lock set "
        "was made, write these lines into locks/.gitignore: !/*/ and !/*/**, then commit locks\n"
    ) in found.stderr


def test_git_does_not_change_line_ends(project: Path) -> None:
    git_files.write_git_files(project / "locks")
    commit(project)
    copy = clone(project, "--config=core.autocrlf=true")
    assert check(copy).returncode == 0


def test_the_cure_for_changed_line_ends_works(project: Path) -> None:
    commit(project)
    copy = clone(project, "--config=core.autocrlf=true")
    found = check(copy)
    assert found.returncode == 2
    assert "the line ends were changed to those of Windows, as by git's core.autocrlf" in (
        found.stderr
    )
    line, _, command = found.stderr.partition("write the line '")[2].partition("' into ")
    attributes, _, command = command.partition(", then run: ")
    (copy / attributes).write_text(f"{line}\n")
    subprocess.run(command, shell=True, cwd=copy, check=True)
    assert check(copy).returncode == 0
    assert files(copy / "locks" / SMALL) == files(project / "locks" / SMALL)


def read(lock_set: Path) -> None:
    record.read(lock_set, folder.read(lock_set))


@pytest.mark.parametrize("name", ["lockset.toml", "digests.toml", "images.toml", "layers"])
@pytest.mark.parametrize(
    ("damage", "problem"),
    [("crlf", "the line ends were changed"), ("markers", "contains conflict markers of a merge")],
)
def test_each_file_with_changed_line_ends_or_markers_is_recognised(
    tmp_path: Path, name: str, damage: str, problem: str
) -> None:
    lock_set = tmp_path / RELEASE
    shutil.copytree(ROOT / "locks" / RELEASE, lock_set)
    path = next(iter(sorted(lock_set.glob("layers/*")))) if name == "layers" else lock_set / name
    text = path.read_bytes()
    changed = text.replace(b"\n", b"\r\n")
    if damage == "markers":
        line, _, rest = text.partition(b"\n")
        changed = b"<<<<<<< HEAD\n%b\n=======\nother\n>>>>>>> topic\n%b" % (line, rest)
    path.write_bytes(changed)
    with pytest.raises(LockSetError, match=problem) as error:
        read(lock_set)
    assert error.value.message.startswith(f"{path}: ")


def test_every_other_file_too(tmp_path: Path) -> None:
    lock_set = tmp_path / RELEASE
    shutil.copytree(ROOT / "locks" / RELEASE, lock_set)
    manifest = folder.read(lock_set).manifest
    for name in manifest.files:
        path = lock_set / name
        text = path.read_bytes()
        for changed in (text.replace(b"\n", b"\r\n"), b"<<<<<<< a\n=======\n>>>>>>> b\n" + text):
            if changed == text:
                continue
            path.write_bytes(changed)
            with pytest.raises(LockSetError) as error:
                folder.read(lock_set)
            assert str(path) in error.value.message
            assert "line ends" in error.value.message or "markers" in error.value.message
        path.write_bytes(text)


def test_a_file_with_line_ends_of_windows_is_read_as_it_is(tmp_path: Path) -> None:
    manifest = model.Manifest(release="0.1.0", cutoff="2026-11-01T00:00:00Z", source_date_epoch=1)
    lock_set = model.seal(manifest, {"build/a.bat": "echo\r\n", "build/b": "<<<<<<< a\n"})
    folder.write(lock_set, tmp_path / "0.1.0")
    assert folder.read(tmp_path / "0.1.0") == lock_set


def test_files_of_a_user_stay(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("mine\n")
    git_files.write_git_files(tmp_path)
    assert (tmp_path / ".gitignore").read_text() == "mine\n"
    assert "* -text" in (tmp_path / ".gitattributes").read_text()
