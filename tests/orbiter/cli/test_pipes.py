"""Named pipes that commands find, which nobody writes to, and pipes that their readers close."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import ROOT

TIMEOUT = 60
"""Seconds until a command counts as hanging."""
DIFF = ("diff-locks", "lock/poetry.lock", "lock/poetry.lock")


@pytest.mark.parametrize(
    ("pipe", "words", "code", "output"),
    [
        pytest.param(
            "orbiter-report-0.2.0.html",
            ("report", "0.2.0"),
            2,
            "error: orbiter-report-0.2.0.html is not a regular file\n\nhint: use --output FILE\n",
            id="report",
        ),
        pytest.param(
            "binder/Dockerfile",
            ("binder", "debian-base", "--release", "0.1.0"),
            2,
            "error: binder/Dockerfile is not a regular file\n\nhint: name another --folder\n",
            id="binder",
        ),
        pytest.param(
            "README.md",
            ("readme", "--release", "0.2.0"),
            2,
            "error: README.md is not a regular file\n",
            id="readme",
        ),
        pytest.param(
            "images.toml",
            ("why", "numpy", "--release", "0.2.0"),
            0,
            "requested for debian-base-build as 'numpy'\n",
            id="why",
        ),
        pytest.param("lock/pyproject.toml", DIFF, 0, "no package changed", id="sibling of a lock"),
        pytest.param(
            "pyproject.toml",
            ("import", "requirements.txt", "--dry-run"),
            2,
            "left out: requirements.txt:1: '-e .': it is not a Python project",
            id="project to import",
        ),
    ],
)
def test_a_named_pipe_is_never_opened(
    tmp_path: Path, pipe: str, words: tuple[str, ...], code: int, output: str
) -> None:
    shutil.copytree(ROOT / "locks", tmp_path / "locks")
    (tmp_path / "lock").mkdir()
    (tmp_path / "binder").mkdir()
    shutil.copy(ROOT / "locks/0.2.0/debian/poetry.lock", tmp_path / "lock")
    (tmp_path / "requirements.txt").write_text("-e .\n", encoding="utf-8")
    os.mkfifo(tmp_path / pipe)
    command = [sys.executable, "-m", "orbiter", *words]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=TIMEOUT
    )
    assert done.returncode == code
    assert output in done.stdout + done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("diff-locks", "0.1.0", "0.2.0", "--format", "json"),
        ("sbom", "--release", "0.2.0", "--output", "/dev/stdout"),
        ("schema", "images.toml"),
        ("help", "lock"),
        ("lock", "--help"),
        ("--version",),
    ],
    ids=lambda words: words[0],
)
def test_a_closed_pipe_ends_a_command_as_other_programs(words: tuple[str, ...]) -> None:
    """The code is not 1, which means that Orbiter found something."""
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "orbiter", *words]
    done = subprocess.run(
        command, cwd=ROOT, stdout=writer, stderr=subprocess.PIPE, check=False, timeout=TIMEOUT
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (128 + signal.SIGPIPE, b"")
