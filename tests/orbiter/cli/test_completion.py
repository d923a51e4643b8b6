"""Completion of words in real shells, with the script that the documentation gives."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from orbiter.cli.main import COMMANDS
from tests.support.paths import ROOT

SCRIPTS = {
    "bash": """\
{source}
COMP_WORDS=({words} '{word}')
COMP_CWORD={count}
_orbiter_completion orbiter
printf '%s\\n' "${{COMPREPLY[@]}}"
""",
    # A stand-in for the builtin compadd, which works only while somebody presses Tab.
    "zsh": """\
compdef() {{ : }}
compadd() {{ print -l -- $completions }}
_describe() {{ print -l -- ${{completions_with_descriptions%%:*}} }}
{source}
words=({words} '{word}')
CURRENT={current}
_orbiter_completion
""",
    "fish": "{source}\ncomplete --do-complete '{words} {word}'\n",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a folder below that of a project with the locked releases 0.1.0 and 0.2.0."""
    shutil.copytree(ROOT / "locks", tmp_path / "locks")
    shutil.copy(ROOT / "images.toml", tmp_path)
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "notes.txt").write_text("")
    return tmp_path / "sub"


@pytest.fixture(params=SCRIPTS)
def shell(request: pytest.FixtureRequest) -> str:
    """Return the name of an installed shell."""
    name = str(request.param)
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed")
    return name


def source(shell: str) -> str:
    """Return the line of the documentation for a shell."""
    page = (ROOT / "docs" / "reference" / "commands.md").read_text(encoding="utf-8")
    found = re.search(rf"^(.*_ORBITER_COMPLETE={shell}_source.*?)\s+#", page, re.MULTILINE)
    assert found
    return found[1]


def completions(shell: str, folder: Path, words: str, word: str) -> list[str]:
    count = len(words.split())
    script = SCRIPTS[shell].format(
        source=source(shell), words=words, word=word, count=count, current=count + 1
    )
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "HOME": str(folder)}
    done = subprocess.run(
        [shell, "-c", script],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return [line.partition("\t")[0] for line in done.stdout.splitlines() if line]


def test_names_of_the_project_are_completed(shell: str, project: Path) -> None:
    stages = completions(shell, project, "orbiter build --image", "debian-b")
    assert stages == ["debian-base", "debian-base-build"]
    assert completions(shell, project, "orbiter build --release", "0.") == ["0.1.0", "0.2.0"]
    assert completions(shell, project, "orbiter diff-locks 0.1.0", "0.2") == ["0.2.0"]
    assert completions(shell, project, "orbiter run", "debian-") == ["debian-base", "debian-core"]


def test_images_are_those_of_the_release(shell: str, project: Path) -> None:
    assert completions(shell, project, "orbiter run", "alpine-c") == ["alpine-core"]
    assert completions(shell, project, "orbiter run --release 0.1.0", "alpine-c") == []


def test_commands_options_and_their_values_are_completed(shell: str, project: Path) -> None:
    assert completions(shell, project, "orbiter", "diff") == ["diff-locks"]
    assert "--image" in completions(shell, project, "orbiter build", "--im")
    assert completions(shell, project, "orbiter images --format", "j") == ["json"]


def test_the_folder_of_an_option_counts(shell: str, project: Path) -> None:
    elsewhere = project.parent / "elsewhere"
    (elsewhere / "deep").mkdir(parents=True)
    words = f"orbiter -C {project} build --release"
    assert completions(shell, elsewhere, words, "0.1") == ["0.1.0"]


def test_without_a_project_nothing_is_completed_and_nothing_fails(
    shell: str, tmp_path: Path
) -> None:
    (tmp_path / "images.toml").write_text("version = \x00")
    assert completions(shell, tmp_path, "orbiter build --image", "d") == []


def test_the_shell_completes_files(project: Path) -> None:
    """Ask click for its answer in the form of bash, which lists the files itself."""
    environment = {
        **os.environ,
        "_ORBITER_COMPLETE": "bash_complete",
        "COMP_WORDS": "orbiter diff-locks no",
        "COMP_CWORD": "2",
    }
    command = [sys.executable, "-c", "from orbiter.__main__ import main; main()"]
    done = subprocess.run(
        command, cwd=project, env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout == "file,no\n"


def test_every_option_with_names_of_the_project_has_a_completion() -> None:
    names = {"release", "stages", "images", "platform", "platforms", "image"}
    missing = [
        (command.name, param.name)
        for command in COMMANDS
        for param in command.params
        if param.name in names and param._custom_shell_complete is None
    ]
    assert missing == []
