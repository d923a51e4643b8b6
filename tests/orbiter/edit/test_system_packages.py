"""``orbiter add`` and names that packages of the system have, too."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from orbiter.edit.add import add
from orbiter.edit.images_file import read_images_file
from orbiter.edit.stages import find_targets
from orbiter.edit.system_packages import namesakes, with_remedy
from orbiter.lockset import folder
from resolvers.errors import ExpectedError
from tests.support.lock_sets import PROJECT, small

WARNING = """\
warning: 'netbase' in image.debian.base.pip is also a Debian package of the image
    hint: for a Debian package use --manager apt
"""


@pytest.fixture
def locked(tmp_path: Path) -> Path:
    """Return a project whose core has the Debian package netbase, because of python3."""
    shutil.copy(PROJECT / "images.toml", tmp_path)
    folder.write(small(), tmp_path / "locks" / "0.1.0")
    return tmp_path


def run(cwd: Path, *words: str) -> str:
    command = [sys.executable, "-m", "orbiter", "add", *words, "--image", "base", "--no-lock"]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=True)
    return done.stderr


def test_a_name_that_the_parent_has_as_a_system_package_is_a_warning(locked: Path) -> None:
    assert run(locked, "netbase") == WARNING
    assert '"six", "netbase"]' in (locked / "images.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize("words", ["netbase --manager pip", "netbase>=1", "numpy", "six"])
def test_chosen_managers_and_other_names_are_not(locked: Path, words: str) -> None:
    assert run(locked, *words.split()) == ""


def test_a_broken_lock_set_does_not_hinder_an_edit(locked: Path) -> None:
    (locked / "locks/0.1.0/debian/apt.lock").unlink()
    assert run(locked, "netbase") == ""


def test_only_errors_that_name_the_requirement_get_the_remedy(locked: Path) -> None:
    document = read_images_file(locked / "images.toml")
    edited = add(document, ("htop",), find_targets(document, ("base",)))
    assert namesakes(edited, small()) == ()
    error = with_remedy(ExpectedError("htop 1.0 cannot be compiled", "compile it"), edited)
    assert error.hint == "compile it\n  for a Debian package use --manager apt"
    assert with_remedy(ExpectedError("no space for my-htop", ""), edited).hint == ""
