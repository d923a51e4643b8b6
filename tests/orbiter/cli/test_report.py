"""The command report: its file, which files it replaces, and its errors."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.osv import OSV
from tests.support.paths import ROOT

NAME = "orbiter-report-0.2.0.html"


def orbiter(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    """Run Orbiter without a store, an engine and a network."""
    command = [sys.executable, "-m", "orbiter", *words]
    nowhere = "http://127.0.0.1:9"
    environment = {
        **os.environ,
        "XDG_CACHE_HOME": str(folder / "cache"),
        "DOCKER_HOST": "unix:///nonexistent",
        "HTTP_PROXY": nowhere,
        "HTTPS_PROXY": nowhere,
    }
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "locks", tmp_path / "locks")
    return tmp_path


def test_the_page_is_in_the_folder_of_the_user(project: Path) -> None:
    below = project / "notebooks"
    below.mkdir()
    done = orbiter(below, "report", "0.2.0")
    assert (done.returncode, done.stderr) == (0, "")
    first = (below / NAME).read_bytes()
    assert b"<title>dorgeln/orbiter 0.2.0</title>" in first
    assert orbiter(below, "report", "v0.2.0").returncode == 0
    assert (below / NAME).read_bytes() == first


def test_only_output_replaces_a_file_of_others(project: Path) -> None:
    page = project / NAME
    page.write_text("<p>mine", encoding="utf-8")
    refused = orbiter(project, "report", "0.2.0")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert f"error: {NAME} exists, and orbiter report did not write it" in refused.stderr
    assert f"hint: to replace it, name it: orbiter report 0.2.0 --output {NAME}" in refused.stderr
    assert page.read_text(encoding="utf-8") == "<p>mine"
    done = orbiter(project, "report", "0.2.0", "--output", NAME)
    assert (done.returncode, done.stdout) == (0, f"{NAME}\n")
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_vulnerabilities_need_a_database(project: Path) -> None:
    without = orbiter(project, "report", "0.2.0", "--vulnerabilities")
    assert (without.returncode, without.stdout) == (2, "")
    assert "error: there is no vulnerability database on this machine" in without.stderr
    assert not (project / NAME).exists()
    words = ("--vulnerabilities", "--database", str(OSV), "--max-age", "99999")
    assert orbiter(project, "report", "0.2.0", *words).returncode == 0
    text = (project / NAME).read_text(encoding="utf-8")
    assert "Not checked." not in text
    assert 'id="vulnerabilities-affected"' in text


def test_a_release_that_is_not_locked_is_an_error(project: Path) -> None:
    done = orbiter(project, "report", "9.9.9")
    assert (done.returncode, done.stdout) == (2, "")
    assert "error: release 9.9.9 is not locked" in done.stderr
