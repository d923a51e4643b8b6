"""Run and time the programs that the benchmarks compare."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from orbiter.tasks import Report

ORBITER = (sys.executable, "-m", "orbiter")
"""The command `orbiter` of the Python that runs the benchmark."""


def orbiter(folder: Path, *arguments: str) -> None:
    """Run an Orbiter command in a folder, without its output."""
    command = [*ORBITER, *arguments]
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)


def docker(*arguments: str) -> str:
    """Run a Docker command and return its output; end the benchmark if the command fails."""
    command = ["docker", *arguments]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        sys.exit(f"error: {' '.join(command)}\n{result.stderr}")
    return result.stdout.strip()


def silent(_title: str) -> Report:
    """Report no progress of a build in this process."""
    return lambda _line: None


def seconds(action: Callable[[], None]) -> float:
    """Return the wall time that an action takes."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start
