"""Measure ``orbiter audit`` for the image debian-base of the newest release of this repository.

    python -m bench.audit

Builds the image with a Docker engine if the cache of this machine lacks it. Prints the seconds and
the peak memory of the answer by the record, and of the answer by all files: the first one reads the
packages, later ones read the cache.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from bench.support.programs import ORBITER
from orbiter.lockset.folder import releases

ROOT = Path(__file__).parents[1]
STAGE = "debian-base"
ROUNDS = 3
GOAL_SECONDS, GOAL_MEGABYTES = 15, 300


def measure(*words: str) -> tuple[float, float]:
    """Return the seconds and the peak memory in MB of a command that must find nothing."""
    start = time.perf_counter()
    process = subprocess.Popen([*ORBITER, *words], cwd=ROOT, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{' '.join(words)} failed")
    return time.perf_counter() - start, usage.ru_maxrss / 1000


def show(name: str, seconds: float, megabytes: float) -> None:
    """Print one row."""
    print(f"{name:<34} {seconds:6.2f} s {megabytes:6.0f} MB")


def main() -> None:
    """Build the image and print the table."""
    release = releases(ROOT / "locks")[-1]
    with tempfile.TemporaryDirectory() as folder:
        words = ("--release", release, "--image", STAGE, "--no-load", "--output", folder)
        subprocess.run([*ORBITER, "build", "-q", *words], cwd=ROOT, check=True)
        archive = f"{folder}/{STAGE}-{release}.tar"
        show("by the record", *measure("audit", "-q", archive))
        show("all files, first", *measure("audit", "-q", "--files", archive))
        rounds = [measure("audit", "-q", "--files", archive) for _ in range(ROUNDS)]
        show("all files, again", median(each[0] for each in rounds), rounds[0][1])
    print(f"goals: {GOAL_SECONDS} s and {GOAL_MEGABYTES} MB")


if __name__ == "__main__":
    main()
