"""Manual pages: valid for mandoc, shown by man, with the whole help."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from orbiter.cli.main import cli
from orbiter.cli.man_pages import man_pages
from tests.test_docs import BY_NAME, options

PAGES = man_pages(cli)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder that the command wrote, below one that it made."""
    place = tmp_path_factory.mktemp("manual") / "share" / "man1"
    command = [sys.executable, "-m", "orbiter", "man", str(place)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == f"wrote {len(PAGES)} pages to {place}\n"
    return place


def test_every_command_has_a_page(folder: Path) -> None:
    names = {f"orbiter-{name.replace(' ', '-')}.1" for name in BY_NAME}
    assert {path.name for path in folder.iterdir()} == {"orbiter.1", "orbiter-osv.1", *names}


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_a_page_has_every_option_and_the_summary(name: str) -> None:
    page = PAGES[f"orbiter-{name.replace(' ', '-')}.1"].replace("\\-", "-")
    assert options(name) <= set(re.findall(r"--[a-z][a-z0-9-]*", page))
    assert BY_NAME[name].get_short_help_str(200).rstrip(".") in page


@pytest.mark.skipif(shutil.which("mandoc") is None, reason="mandoc is not installed")
def test_mandoc_finds_no_fault(folder: Path) -> None:
    pages = sorted(map(str, folder.iterdir()))
    done = subprocess.run(
        ["mandoc", "-Tlint", "-Wwarning", *pages], capture_output=True, text=True, check=False
    )
    faults = [line for line in done.stdout.splitlines() if "missing date" not in line]
    assert faults == []


@pytest.mark.skipif(shutil.which("man") is None, reason="man is not installed")
def test_man_shows_a_page(folder: Path) -> None:
    environment = {**os.environ, "MANWIDTH": "80", "LC_ALL": "C.UTF-8", "MANPAGER": "cat"}
    command = ["man", "-l", str(folder / "orbiter-ci.1")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    shown = " ".join(re.sub(r".\x08", "", done.stdout).split())
    assert "orbiter-ci - Write a workflow" in shown
    assert "is .github/workflows/images.yml or .gitlab-ci.yml." in shown
    assert "-h, --help" in shown


def test_a_line_never_starts_a_request() -> None:
    requests = {
        line.split()[0]
        for page in PAGES.values()
        for line in page.splitlines()
        if line.startswith((".", "'"))
    }
    assert requests <= {".TH", ".SH", ".TP", ".PP", ".nf", ".fi", ".nh", ".ad"}


def test_a_folder_that_is_a_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("kept")
    command = [sys.executable, "-m", "orbiter", "man", str(tmp_path / "file")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "is a file" in done.stderr
    assert (tmp_path / "file").read_text() == "kept"
