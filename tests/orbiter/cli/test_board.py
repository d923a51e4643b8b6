"""Progress on a terminal of 80 columns, and as plain lines in a log."""

import fcntl
import os
import re
import struct
import subprocess
import sys
import termios

import pytest

from orbiter.cli.board import Board
from orbiter.tasks import TaskState
from resolvers.types import NOTE, WARNING

TERMINAL = """
from orbiter.cli.board import Board
from orbiter.tasks import TaskState

with Board() as board:
    build = board("micromamba-geospatial-build")
    base = board("debian-base")
    build(TaskState(state="building", detail="apt: " + "a long line of output " * 9))
    base(TaskState(state="waiting"))
    base(TaskState(state="done", size=1_234_567_890))
    base("")
"""
COLUMNS = 80
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def on_a_terminal(program: str) -> list[str]:
    """Return the lines that a program shows on a terminal of 80 columns."""
    parent, child = os.openpty()
    fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 24, COLUMNS, 0, 0))
    environment = {name: text for name, text in os.environ.items() if name != "COLUMNS"}
    subprocess.run(
        [sys.executable, "-c", program],
        stderr=child,
        env=environment | {"TERM": "xterm"},
        check=True,
    )
    os.close(child)
    output = b""
    while chunk := _read(parent):
        output += chunk
    os.close(parent)
    return [line.rstrip() for line in re.split(r"[\r\n]+", ESCAPE.sub("", output.decode()))]


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 1 << 16)
    except OSError:  # the other side is closed
        return b""


def test_rows_have_the_same_columns_and_fit_the_terminal() -> None:
    lines = on_a_terminal(TERMINAL)
    assert max(map(len, lines)) <= COLUMNS
    build, base = [line for line in lines if "debian" in line or "geospatial" in line][-2:]
    assert re.search(r"micromamba-geospatial-build building  0:00:\d\d +apt: a long line", build)
    assert re.search(r"✓ debian-base +done +0:00:\d\d +1\.2 GB$", base)
    assert build.index("building") == base.index("done")
    assert build.index("0:00") == base.index("0:00")


def test_a_quiet_board_shows_warnings_only(capsys: pytest.CaptureFixture[str]) -> None:
    with Board(quiet=True) as board:
        board("lock set")(f"{NOTE}a note")
        board("lock set")(f"{WARNING}read this\n    hint: and that")
    assert capsys.readouterr().err == "warning: read this\n    hint: and that\n"


def test_a_log_has_a_line_for_each_state_and_none_twice(capsys: pytest.CaptureFixture[str]) -> None:
    with Board() as board:
        report = board("debian-base")
        for line in ("apt", "apt: unpacking"):
            report(TaskState(state="building", detail=line))
        report(TaskState(state="exporting"))
        report(TaskState(state="exporting"))
        report(TaskState(state="done", size=1_000_000))
        report("")
    lines = capsys.readouterr().err.splitlines()
    assert lines[:-1] == [
        "debian-base: building: apt",
        "debian-base: exporting",
        "debian-base: done, 1.0 MB",
    ]
    assert re.fullmatch(r"debian-base: done in \d\.\d s", lines[-1])
