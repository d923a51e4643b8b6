"""The command licences: arguments, output and exit codes."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from tests.support.lock_sets import PROJECT
from tests.support.paths import ROOT


def orbiter(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "orbiter", *words]
    environment = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache")}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "locks" / "0.2.0", tmp_path / "locks" / "0.2.0")
    return tmp_path


def test_licences_without_a_store(project: Path) -> None:
    done = orbiter(project, "licences", "--release", "0.2.0")
    assert (done.returncode, done.stderr) == (0, "")
    assert "\nMIT: " in done.stdout
    assert "the package is not in the store" in done.stdout


def test_denied_licences_exit_with_1(project: Path) -> None:
    words = ("licences", "--release", "0.2.0")
    denied = orbiter(project, *words, "--deny", "Artistic-2.0")
    assert (denied.returncode, denied.stderr) == (1, "")
    assert denied.stdout.startswith("denied: 1 package\n  npm ")
    assert orbiter(project, *words, "--deny", "SSPL-1.0").returncode == 0
    assert orbiter(project, *words, "--deny", "unknown").returncode == 1
    mistake = orbiter(project, *words, "--deny", "GPL3")
    assert (mistake.returncode, mistake.stdout) == (2, "")
    assert "error: --deny GPL3: no SPDX licence has this identifier" in mistake.stderr


def test_json_follows_its_schema(project: Path) -> None:
    printed = orbiter(project, "schema", "licences")
    done = orbiter(project, "licences", "--release", "0.2.0", "--format", "json")
    report = json.loads(done.stdout)
    jsonschema.validate(report, json.loads(printed.stdout))
    assert {each["status"] for each in report["packages"]} == {"known", "unknown"}


def configure(folder: Path, table: str) -> None:
    shutil.copytree(PROJECT, folder, dirs_exist_ok=True)
    path = folder / "images.toml"
    path.write_text(f"{path.read_text(encoding='utf-8')}\n[licences]\n{table}\n", encoding="utf-8")


def test_images_toml_denies_and_records_licences(tmp_path: Path) -> None:
    configure(tmp_path, 'deny = ["unknown"]')
    done = orbiter(tmp_path, "licences", "--format", "json")
    assert done.returncode == 1
    packages = json.loads(done.stdout)["packages"]
    name = packages[0]["name"]
    record = f'known = [{{ package = "{name}", licence = "MIT", reason = "its README" }}]'
    configure(tmp_path, f'deny = ["MIT"]\n{record}')
    recorded = orbiter(tmp_path, "licences", "--format", "json")
    assert recorded.returncode == 1
    assert "has changed since" not in recorded.stderr
    denied = [each for each in json.loads(recorded.stdout)["packages"] if each["denied"]]
    assert {(each["name"], each["origin"]) for each in denied} == {(name, "images.toml")}


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ('deny = ["GPL3"]', "images.toml: licences.deny: GPL3: no SPDX licence"),
        ('known = [{ package = "a", licence = "MIT" }]', "licences.known"),
        ('known = [{ package = "a", licence = "BSD", reason = "b" }]', "licences.known: a"),
    ],
)
def test_mistakes_in_images_toml_exit_with_2(tmp_path: Path, table: str, problem: str) -> None:
    configure(tmp_path, table)
    done = orbiter(tmp_path, "licences")
    assert (done.returncode, done.stdout) == (2, "")
    assert problem in done.stderr
