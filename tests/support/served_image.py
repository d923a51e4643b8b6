"""The server in a container that ``orbiter run`` and ``orbiter r2d`` start, until Ctrl-C."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from signal import SIGINT
from typing import NamedTuple

SERVE = """set -e
timeout 600 jupyter lab --ip=0.0.0.0 --port=8888 --no-browser > ~/log 2>&1 &
until grep -q 'is running at' ~/log; do kill -0 $! || { cat ~/log >&2; exit 1; }; sleep 0.2; done
kill $!
wait $! || true"""
"""Starts JupyterLab as hubs and Binder do, and stops it with SIGTERM when it answers."""


class Built(NamedTuple):
    """A project with a built image; ``release`` are the words that choose a release."""

    project: Path
    cache: Path
    tag: str
    release: tuple[str, ...] = ()

    def environment(self) -> dict[str, str]:
        return environment(self.cache)


def environment(cache: Path) -> dict[str, str]:
    return {**os.environ, "ORBITER_CACHE_DIR": str(cache)}


def inside(tag: str, script: str, *words: str) -> str:
    run = ["docker", "run", "--rm", "--network=none", *words, tag, "bash", "-c", script]
    done = subprocess.run(run, capture_output=True, text=True, errors="replace", check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@contextmanager
def running(built: Built, *words: str, image: str = "debian-base") -> Iterator[str]:
    """Start ``orbiter run``; yield the printed URL, and stop it at the end."""
    command = ("run", image, *built.release, *words)
    with printed_url(*command, folder=built.project, environment=built.environment()) as url:
        yield url


@contextmanager
def printed_url(
    *words: str, folder: Path, environment: Mapping[str, str] | None = None
) -> Iterator[str]:
    """Run a command of Orbiter; yield the URL that it prints, and check that Ctrl-C ends it."""
    log = folder / "server.log"
    # The shell of the tests may ignore SIGINT.
    command = ["env", "--default-signal=INT", sys.executable, "-m", "orbiter", *words]
    with (
        log.open("w") as errors,
        subprocess.Popen(
            command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True
        ) as process,
    ):
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            assert url.startswith("http://127.0.0.1:"), log.read_text()
            yield url
        finally:
            process.send_signal(SIGINT)
    assert process.returncode == 0, log.read_text()
