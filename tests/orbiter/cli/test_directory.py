"""``-C``, the search for images.toml in parent folders, and paths that people type there."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from orbiter.cli.directory import START, LockName, TargetName, UserPath, from_start
from orbiter.cli.global_options import FOLDER
from orbiter.cli.main import cli
from tests.support.json_output import read_document
from tests.support.paths import ROOT

RELEASE = "0.2.0"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a project with a real lock set and the folder ``sub/deep``."""
    found = tmp_path / "project"
    shutil.copytree(ROOT / "locks" / RELEASE, found / "locks" / RELEASE)
    shutil.copy(ROOT / "images.toml", found)
    (found / "sub" / "deep").mkdir(parents=True)
    return found


def orbiter(folder: Path, *words: str, **env: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "orbiter", *words]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **env}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def checked(folder: Path, *words: str, **env: str) -> str:
    result = orbiter(folder, *words, **env)
    assert result.returncode == 0, result.stderr
    return result.stdout


LIST = ("sbom", "--release", RELEASE)


@pytest.mark.parametrize(
    "words",
    [("-C", "project", *LIST), ("sbom", "-C", "project", *LIST[1:])],
    ids=["before", "after"],
)
def test_the_folder_can_be_named_before_and_after_the_command(
    project: Path, words: tuple[str, ...]
) -> None:
    assert checked(project.parent, *words) == checked(project, *LIST)


def test_folders_add_up_as_in_git(project: Path) -> None:
    assert checked(project.parent, "-C", "project", "sbom", "-C", "sub", *LIST[1:])


def test_the_variable_names_the_folder_and_the_option_comes_first(project: Path) -> None:
    assert checked(project.parent, *LIST, ORBITER_DIRECTORY="project")
    assert checked(project.parent, "-C", "project", *LIST, ORBITER_DIRECTORY="absent")


def test_a_parent_folder_with_images_toml_is_found(project: Path) -> None:
    assert checked(project / "sub" / "deep", *LIST) == checked(project, *LIST)


def test_a_parent_folder_with_a_lock_set_alone_is_found(project: Path) -> None:
    (project / "images.toml").unlink()
    assert checked(project / "sub", *LIST)


def test_the_nearest_project_is_used(project: Path) -> None:
    assert checked(project / "sub", "init", "--builder", "alpine")
    assert (
        "has no lock set locks/0.1.0" in orbiter(project / "sub" / "deep", "lock", "--check").stdout
    )


def test_a_check_as_json(project: Path) -> None:
    shutil.copytree(ROOT / "locks" / "0.1.0", project / "locks" / "0.1.0")
    stale = orbiter(project, "lock", "--check", "--format", "json")
    assert stale.returncode == 1
    document = read_document("lock-check", stale.stdout)
    assert (document["fresh"], len(document["reasons"])) == (False, 1)
    assert document["reasons"][0] in orbiter(project, "lock", "--check").stdout


def test_without_a_project_the_error_says_what_helps(tmp_path: Path) -> None:
    result = orbiter(tmp_path, "lock")
    assert (result.returncode, result.stdout) == (2, "")
    assert "images.toml: file not found" in result.stderr
    assert "-C" in result.stderr.partition("hint:")[2]


def test_init_writes_into_the_current_folder(project: Path) -> None:
    before = (project / "images.toml").read_bytes()
    checked(project / "sub", "init")
    assert (project / "sub" / "images.toml").exists()
    assert (project / "images.toml").read_bytes() == before


def test_written_files_are_relative_to_the_folder_where_their_name_was_typed(project: Path) -> None:
    checked(project / "sub" / "deep", *LIST, "-o", "../sbom.json")
    assert (project / "sub" / "sbom.json").exists()
    checked(project.parent, "-C", "project", *LIST, "-o", "sbom.json")
    assert (project / "sbom.json").exists()


def test_locks_are_named_relative_to_the_folder_where_their_name_was_typed(project: Path) -> None:
    sub = project / "sub"
    shutil.copytree(project / "locks" / RELEASE, sub / "copied")
    for words in ((f"../locks/{RELEASE}", "copied"), (RELEASE, "copied"), ("copied", RELEASE)):
        assert "no package changed" in checked(sub, "diff-locks", *words)
    assert "sub/locks" in orbiter(sub, "diff-locks", f"locks/{RELEASE}", "copied").stderr


def test_a_path_at_a_git_revision_is_relative_too(project: Path) -> None:
    git = ("git", "-c", "user.name=A", "-c", "user.email=a@example.org")
    for words in (("init", "-q"), ("add", "."), ("commit", "-q", "-m", "first")):
        subprocess.run([*git, *words], cwd=project, check=True)
    name = f"HEAD:../locks/{RELEASE}"
    assert "no package changed" in checked(project / "sub", "diff-locks", name, RELEASE)


def test_a_folder_that_does_not_exist_is_a_usage_error(tmp_path: Path) -> None:
    for words in (("-C", "absent", "lock"), ("lock", "-C", "absent")):
        result = orbiter(tmp_path, *words)
        assert result.returncode == 2
        assert "'absent' does not exist" in result.stderr
        assert "Traceback" not in result.stderr


def test_an_empty_path_is_a_usage_error(project: Path) -> None:
    result = orbiter(project, *LIST, "-o", "")
    assert result.returncode == 2
    assert "a path must not be empty" in result.stderr


def test_a_removed_current_folder_is_no_crash(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    command = f"rmdir {gone}; exec {sys.executable} -m orbiter lock --check"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    result = subprocess.run(
        ["sh", "-c", command],
        cwd=gone,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 2
    assert result.stderr.startswith("error: images.toml: file not found")


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("file", "sub/deep/file"),
        ("../file", "sub/file"),
        ("../../file", "file"),
        ("../../../file", "../file"),
        ("..", "sub"),
        (".", "sub/deep"),
        ("..x/../y", "sub/deep/..x/../y"),
        ("/etc/hosts", "/etc/hosts"),
    ],
)
def test_paths_as_seen_from_the_project(text: str, seen: str) -> None:
    ctx = click.Context(cli)
    ctx.meta[START] = Path("sub/deep")
    assert from_start(text, ctx) == seen
    assert from_start(text, click.Context(cli)) == text


def test_only_paths_change_in_targets(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    (project / "sub" / "image").mkdir()
    ctx = click.Context(cli)
    ctx.meta[START] = Path("sub")
    for text, seen in (
        ("oci://host/a/b", "oci://host/a/b"),
        ("backup.tar", "sub/backup.tar"),
        ("", ""),
    ):
        assert TargetName().convert(text, None, ctx) == seen
    for text, seen in (("image", "sub/image"), ("a/b:debian-base-0.1.0",) * 2):
        assert TargetName(existing=True).convert(text, None, ctx) == seen
    assert LockName().convert("v0.2.0", None, ctx) == "v0.2.0"


def parameters(group: click.Group) -> Iterator[tuple[str, click.Parameter]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from parameters(command)
        else:
            yield from ((name, param) for param in command.params)


def test_every_path_on_the_command_line_has_the_type_for_it() -> None:
    kinds = (click.Path, click.File)
    paths = [(name, each) for name, each in parameters(cli) if isinstance(each.type, kinds)]
    wrong = [
        (name, each.name)
        for name, each in paths
        if each.type is not FOLDER and not isinstance(each.type, UserPath)
    ]
    assert wrong == []
    assert len(paths) > len({name for name, _ in paths})
