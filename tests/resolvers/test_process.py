"""Programs end with the process that started them, whatever ends it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from orbiter.cli.errors import SIGNALS

SECONDS = 300
"""The longest time for anything on a busy machine."""
COMMAND = """
import click
from orbiter.cli.errors import guarded
from resolvers import process
from resolvers.scratch import temporary_folder

process.GRACE_PERIOD = {grace}

@click.command()
@guarded
def main():
    with temporary_folder() as folder:
        process.run(["sh", "-c", {script!r}], cwd=folder, on_line={on_line})

main()
"""
PROGRAM = (
    "trap '' {ignored} HUP; sleep 60 & echo $$ $! > {pids}.new; mv {pids}.new {pids}; wait; wait"
)
"""A program that starts another one, as docker starts buildx."""


@contextmanager
def running(
    folder: Path, *, ignored: str = "", grace: float = 5, on_line: str = "None", start: str = ""
) -> Iterator["tuple[subprocess.Popen[str], list[Path]]"]:
    """Run a command that runs two programs; yield it and the programs in /proc."""
    pids = folder / "pids"
    script = PROGRAM.format(ignored=ignored, pids=pids)
    code = COMMAND.format(grace=grace, script=script, on_line=on_line)
    # nohup, which may have started the tests, ignores SIGHUP.
    shell = ["env", "--default-signal=HUP", "sh", "-c", f'{start} exec "$@"', "sh"]
    command = [*shell, sys.executable, "-c", code]
    environment = {**os.environ, "TMPDIR": str(folder)}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        wait_until(pids.exists)
        time.sleep(0.2)  # the command takes note of a program just after it started
        yield process, [Path("/proc", pid) for pid in pids.read_text().split()]


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def is_running(program: Path) -> bool:
    """Return whether a program runs; one that nobody has waited for stays in /proc."""
    try:
        return (program / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def left_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name != "pids"]


@pytest.mark.parametrize("number", list(SIGNALS), ids=lambda number: number.name)
@pytest.mark.parametrize("on_line", ["None", "print"], ids=["output", "lines"])
def test_a_signal_ends_the_programs_and_removes_temporary_folders(
    tmp_path: Path, number: signal.Signals, on_line: str
) -> None:
    with running(tmp_path, on_line=on_line) as (process, programs):
        process.send_signal(number)
        _, stderr = process.communicate(timeout=SECONDS)
    assert (process.returncode, stderr) == (128 + number, f"error: {SIGNALS[number]}\n")
    wait_until(lambda: not any(map(is_running, programs)))
    assert left_in(tmp_path) == []


def test_a_program_that_ignores_the_signal_is_killed(tmp_path: Path) -> None:
    with running(tmp_path, ignored="TERM", grace=0.5) as (process, programs):
        process.terminate()
        process.communicate(timeout=SECONDS)
    assert process.returncode == 128 + signal.SIGTERM
    wait_until(lambda: not any(map(is_running, programs)))


def test_a_kill_ends_the_programs_too(tmp_path: Path) -> None:
    with running(tmp_path) as (process, programs):
        process.kill()
        process.communicate(timeout=SECONDS)
        wait_until(lambda: not any(map(is_running, programs)))
    assert process.returncode == -signal.SIGKILL
    assert len(left_in(tmp_path)) == 1  # the next run removes it: see test_scratch.py


def test_nohup_lets_a_command_outlive_its_terminal(tmp_path: Path) -> None:
    with running(tmp_path, start="trap '' HUP;") as (process, programs):
        process.send_signal(signal.SIGHUP)
        time.sleep(0.3)
        assert process.poll() is None
        assert all(map(is_running, programs))
        process.terminate()
        process.communicate(timeout=SECONDS)
    assert process.returncode == 128 + signal.SIGTERM
