"""A signal ends a build and the programs that it runs, and leaves no temporary files."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from resolvers.scratch import TEMPORARY

pytestmark = pytest.mark.engine

SECONDS = 300
"""The longest time for anything on a busy machine."""
IMAGES = """
version = "0.1.0"
repository = "orbiter-test/signals"
[builder.debian]
from = "debian:trixie-slim"
[image.debian.core]
postbuild = ["sleep 600"]
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("signals")
    (place / "images.toml").write_text(IMAGES)
    done = start(place, "lock")
    assert done.wait() == 0
    return place


def start(project: Path, *words: str) -> "subprocess.Popen[bytes]":
    temporary = project / "temporary"
    temporary.mkdir(exist_ok=True)
    return subprocess.Popen(
        # nohup, which may have started the tests, ignores SIGHUP.
        ["env", "--default-signal=HUP", sys.executable, "-m", "orbiter", *words],
        cwd=project,
        env={
            **os.environ,
            "ORBITER_CACHE_DIR": str(project / "cache"),
            "TMPDIR": str(temporary),
        },
    )


def descendants(pid: int) -> Iterator[int]:
    """Yield the processes below a process."""
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, children.read_text().split()):
            yield child
            yield from descendants(child)


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def is_build(pid: int) -> bool:
    words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    return b"bake" in words


def wait(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_a_signal_ends_the_build_and_its_programs(project: Path, number: signal.Signals) -> None:
    build = start(project, "build", "--no-cache")
    try:
        wait(lambda: any(map(is_build, descendants(build.pid))))
        time.sleep(3)  # the engine has begun with the steps
        children = set(descendants(build.pid))
        build.send_signal(number)
        expected = -number if number == signal.SIGKILL else 128 + number
        assert build.wait(SECONDS) == expected
    finally:
        build.kill()
    wait(lambda: not any(map(is_running, children)))
    if number == signal.SIGKILL:
        # The next run removes what this one could not.
        assert start(project, "images").wait() == 0
    assert not list(project.rglob(f"{TEMPORARY}*"))
