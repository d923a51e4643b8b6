"""Options that every command has, and their environment variables."""

import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from orbiter.cli.global_options import group_options
from orbiter.cli.main import COMMANDS
from tests.test_docs import BY_NAME, REFERENCE


def orbiter(folder: Path, *words: str, **env: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "orbiter", *words]
    return subprocess.run(
        command, cwd=folder, env={**os.environ, **env}, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_every_command_has_the_global_options(name: str) -> None:
    found = {word for param in BY_NAME[name].params for word in param.opts}
    assert found >= {word for option in group_options() for word in option.opts}


def test_every_global_option_has_a_documented_variable() -> None:
    page = (REFERENCE / "environment-variables.md").read_text(encoding="utf-8")
    for option in group_options():
        assert isinstance(option, click.Option)
        long = next(word for word in option.opts if word.startswith("--"))
        variable = f"ORBITER_{long.removeprefix('--').replace('-', '_').upper()}"
        assert option.envvar == variable
        assert re.search(rf"^\| `{variable}` \|.*`{long}`", page, re.MULTILINE)


def test_verbose_shows_the_programs_that_run(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    words = ("log", "numpy", "--git", "poetry.lock")
    for shown in (
        orbiter(tmp_path, "-v", *words),
        orbiter(tmp_path, *words, "--verbose"),
        orbiter(tmp_path, *words, ORBITER_VERBOSE="1"),
    ):
        assert shown.returncode == 2
        assert "\nrun git " in f"\n{shown.stderr}"
    assert "run git" not in orbiter(tmp_path, *words).stderr


def test_quiet_and_verbose_exclude_each_other(tmp_path: Path) -> None:
    for words in (("-q", "lock", "-v"), ("lock", "-qv"), ("-qv", "schema")):
        result = orbiter(tmp_path, *words)
        assert result.returncode == 2
        assert result.stderr.startswith("error: --quiet and --verbose exclude each other")


def test_a_variable_that_is_neither_true_nor_false_is_an_error(tmp_path: Path) -> None:
    result = orbiter(tmp_path, "schema", ORBITER_QUIET="maybe")
    assert result.returncode == 2
    assert "'maybe'" in result.stderr


def test_version(tmp_path: Path) -> None:
    assert orbiter(tmp_path, "-V").stdout == orbiter(tmp_path, "--version").stdout
    assert orbiter(tmp_path, "-V").stdout.startswith("orbiter, version ")


@pytest.mark.parametrize("name", ["osv update", "build"])
def test_help_is_that_of_the_command(tmp_path: Path, name: str) -> None:
    expected = orbiter(tmp_path, *name.split(), "--help")
    assert orbiter(tmp_path, "help", *name.split()).stdout == expected.stdout
    assert "Usage: orbiter " + name in expected.stdout


def test_help_without_a_command_is_that_of_orbiter(tmp_path: Path) -> None:
    assert orbiter(tmp_path, "help").stdout == orbiter(tmp_path, "--help").stdout


def test_help_suggests_near_names(tmp_path: Path) -> None:
    result = orbiter(tmp_path, "help", "buidl")
    assert result.returncode == 2
    assert "did you mean build?" in result.stderr


def test_no_short_option_means_something_else_in_a_command() -> None:
    assert len(COMMANDS) > 20
    for name, command in BY_NAME.items():
        for param in command.params:
            if "-q" in param.opts:
                assert "--quiet" in param.opts, name
            if "-v" in param.opts:
                assert "--verbose" in param.opts, name
