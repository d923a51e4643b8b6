"""The exit code is correct even if rattler crashes the interpreter at its end."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.conda_world import channel, record

RUNS = 200
SOLVE = """
import atexit, sys
from orbiter.cli.exit import run_and_exit
from resolvers.conda import manager as conda
from resolvers.types.options import CondaOptions
from resolvers.types.request import Group, Request, Target

channel, ending = sys.argv[1:]

def main():
    group = Group(name="g", requirements=("a",))
    options = CondaOptions(channels=(channel,))
    targets = (Target(platform="linux/amd64"),)
    files = conda.resolve(Request(groups=(group,), targets=targets, conda=options))
    print(len(conda.read(files)), "packages")
    if ending == "returns":
        return
    if ending == "raises":
        raise ValueError("on purpose")
    sys.exit("message" if ending == "message" else int(ending))

atexit.register(print, "registered")
run_and_exit(main)
"""
EXIT_CODES = {"returns": 0, "raises": 1, "message": 1, "0": 0, "2": 2}
"""The exit code for each ending of the program."""
PLAIN = """
import sys
from orbiter.cli.exit import run_and_exit
run_and_exit(lambda: sys.exit(3))
"""


def run(*words: str, cache: Path) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "ORBITER_CACHE_DIR": str(cache)}
    return subprocess.run(
        [sys.executable, "-c", *words], env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.slow  # 200 processes: without the guard, one in thirty crashed
def test_every_run_ends_with_its_exit_code(tmp_path: Path) -> None:
    address = channel(tmp_path / "channel", record("a", "1", "b"), record("b", "1"))
    endings = list(EXIT_CODES) * (RUNS // len(EXIT_CODES))
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        results = list(
            pool.map(lambda ending: run(SOLVE, address, ending, cache=tmp_path), endings)
        )
    for ending, result in zip(endings, results, strict=True):
        assert (ending, result.returncode) == (ending, EXIT_CODES[ending]), result.stderr
        assert result.stdout == "2 packages\nregistered\n"
        assert ("ValueError: on purpose" in result.stderr) == (ending == "raises")
        assert (result.stderr == "message\n") == (ending == "message")


def test_without_rattler_the_interpreter_ends_as_usual(tmp_path: Path) -> None:
    assert run(PLAIN, cache=tmp_path).returncode == 3
