"""The exit code is right even if rattler would crash the interpreter."""

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
from resolvers.types import CondaOptions, Group, Request, Target

address, way = sys.argv[1:]

def main():
    group = Group(name="g", requirements=("a",))
    options = CondaOptions(channels=(address,))
    files = conda.resolve(Request(groups=(group,), targets=(Target(platform="linux/amd64"),), conda=options))
    print(len(conda.read(files)), "packages")
    if way == "returns":
        return
    if way == "raises":
        raise ValueError("no such way")
    sys.exit("said so" if way == "says" else int(way))

atexit.register(print, "registered")
run_and_exit(main)
"""
WAYS = {"returns": 0, "raises": 1, "says": 1, "0": 0, "2": 2}
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


@pytest.mark.slow  # 200 processes: one in thirty crashed before
def test_every_run_ends_with_its_exit_code(tmp_path: Path) -> None:
    address = channel(tmp_path / "channel", record("a", "1", "b"), record("b", "1"))
    ways = list(WAYS) * (RUNS // len(WAYS))
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        results = list(pool.map(lambda way: run(SOLVE, address, way, cache=tmp_path), ways))
    for way, result in zip(ways, results, strict=True):
        assert (way, result.returncode) == (way, WAYS[way]), result.stderr
        assert result.stdout == "2 packages\nregistered\n"
        assert ("ValueError: no such way" in result.stderr) == (way == "raises")
        assert (result.stderr == "said so\n") == (way == "says")


def test_without_rattler_the_interpreter_ends_as_usual(tmp_path: Path) -> None:
    assert run(PLAIN, cache=tmp_path).returncode == 3
