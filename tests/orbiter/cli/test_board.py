"""Progress on a terminal of 80 columns, and as plain lines in a log."""

import re

import pytest

from orbiter.cli.board import Board
from orbiter.tasks import TaskState
from resolvers.types.request import NOTE, WARNING
from tests.support.terminal import COLUMNS, lines_of, on_a_terminal, screen_of

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
FAILING = """
from orbiter.cli.board import Board
from orbiter.cli.errors import guarded
from resolvers.errors import ExpectedError

@guarded
def command():
    with Board() as board:
        board("debian pip")("resolving")
        raise ExpectedError("there is a mistake")

command()
"""


def test_rows_have_the_same_columns_and_fit_the_terminal() -> None:
    lines = lines_of(on_a_terminal("-c", TERMINAL))
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


def test_nothing_of_the_board_stays_above_an_error() -> None:
    output = on_a_terminal("-c", FAILING, code=2)
    assert any("debian pip" in line for line in lines_of(output))
    assert screen_of(output) == ["error: there is a mistake"]


def test_warnings_and_notes_are_wrapped_on_a_terminal() -> None:
    program = """
from orbiter.cli.board import Board

with Board() as board:
    report = board("debian apt")
    report("warning: " + "read this " * 12)
    report("note: " + "and this " * 12 + "https://example.org/" + "long/" * 20)
    report("")
"""
    lines = screen_of(on_a_terminal("-c", program))
    address = "https://example.org/" + "long/" * 20
    assert f"  {address}" in lines
    assert max(len(line) for line in lines if address not in line) <= COLUMNS
    assert " ".join(" ".join(lines).split()).count("read this") == 12
