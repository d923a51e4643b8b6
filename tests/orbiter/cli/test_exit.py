"""The exit code is right, whatever rattler does while the interpreter is taken down."""

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
from orbiter.cli.exit import surely
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
surely(main)
"""
WAYS = {"returns": 0, "raises": 1, "says": 1, "0": 0, "2": 2}
PLAIN = """
import sys
from orbiter.cli.exit import surely
surely(lambda: sys.exit(3))
"""


def run(*words: str, cache: Path) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "ORBITER_CACHE_DIR": str(cache)}
    return subprocess.run(
        [sys.executable, "-c", *words], env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.slow  # 200 processes: one in thirty crashed before
def test_every_one_of_many_runs_ends_with_its_own_code(tmp_path: Path) -> None:
    address = channel(tmp_path / "channel", record("a", "1", "b"), record("b", "1"))
    ways = list(WAYS) * (RUNS // len(WAYS))
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        ended = list(pool.map(lambda way: run(SOLVE, address, way, cache=tmp_path), ways))
    assert [
        (way, each.returncode, each.stderr)
        for way, each in zip(ways, ended, strict=True)
        if each.returncode != WAYS[way]
    ] == []
    assert {each.stdout for each in ended} == {"2 packages\nregistered\n"}
    assert {
        way
        for way, each in zip(ways, ended, strict=True)
        if "ValueError: no such way" in each.stderr
    } == {"raises"}
    assert {way for way, each in zip(ways, ended, strict=True) if each.stderr == "said so\n"} == {
        "says"
    }


def test_without_rattler_the_interpreter_ends_as_ever(tmp_path: Path) -> None:
    assert run(PLAIN, cache=tmp_path).returncode == 3
