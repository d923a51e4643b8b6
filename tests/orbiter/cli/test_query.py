"""The commands list, tree and why: arguments, output and exit codes."""

import json
import shutil
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner, Result

from orbiter.cli.main import cli
from tests.support.paths import ROOT

COMMANDS = (("list",), ("tree",), ("tree", "numpy", "--invert"), ("why", "numpy"))


@pytest.fixture(autouse=True)
def _project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(ROOT / "locks" / "0.2.0", tmp_path / "locks" / "0.2.0")
    monkeypatch.chdir(tmp_path)


def run(*words: str) -> Result:
    return CliRunner().invoke(cli, list(words))


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_json_follows_its_schema(words: tuple[str, ...]) -> None:
    schema = json.loads(run("schema", words[0]).stdout)
    done = run(*words, "--release", "0.2.0", "--format", "json")
    assert (done.exit_code, done.stderr) == (0, "")
    report = json.loads(done.stdout)
    jsonschema.validate(report, schema)
    assert report["format"] == 1
    assert "numpy" in done.stdout


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_text_fits_into_80_columns(words: tuple[str, ...]) -> None:
    done = run(*words, "--release", "v0.2.0")
    assert (done.exit_code, done.stderr) == (0, "")
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "numpy" in done.stdout


@pytest.mark.parametrize("command", ["list", "tree", "why"])
def test_help_fits_into_80_columns(command: str) -> None:
    done = CliRunner().invoke(cli, [command, "--help"], terminal_width=80)
    assert max(map(len, done.stdout.splitlines())) <= 80


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("list",), "images.toml: file not found"),
        (("list", "--release", "0.9.0"), "release 0.9.0 is not locked"),
        (("tree", "numpi", "--release", "0.2.0"), "has no package 'numpi'"),
        (("why", "\x1b[31m", "--release", "0.2.0"), "has no package"),
        (("tree", "--release", "0.2.0", "--depth", "-1"), "-1 is not in the range"),
        (("list", "--release", "0.2.0", "--manager", "cargo"), "'cargo' is not one of"),
    ],
)
def test_mistakes_exit_with_2(words: tuple[str, ...], problem: str) -> None:
    done = run(*words)
    assert (done.exit_code, done.stdout) == (2, "")
    assert problem in done.stderr


def test_only_direct_packages_of_one_manager() -> None:
    done = run("list", "--release", "0.2.0", "--direct", "--manager", "npm", "--image", "base")
    names = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("* ")]
    assert names[:-1] == ["canvas", "configurable-http-proxy", "npm", "vega-cli", "vega-lite"]
