"""The releases that lie in locks/, from a fresh clone to the digests that they recorded."""

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.paths import ROOT

pytestmark = [pytest.mark.engine, pytest.mark.index]

STAGES = ("debian-base", "debian-core")


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    place = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", ROOT, place], check=True)
    return place


@pytest.fixture
def builder() -> Iterator[str]:
    """A BuildKit with an empty cache, which is not the engine's own."""
    name = f"orbiter-test-{uuid.uuid4().hex[:8]}"
    create = [
        "docker",
        "buildx",
        "create",
        "--name",
        name,
        "--driver",
        "docker-container",
        "--driver-opt",
        "network=none",
    ]
    subprocess.run(create, check=True, stdout=subprocess.DEVNULL)
    yield name
    subprocess.run(["docker", "buildx", "rm", name], check=True, stdout=subprocess.DEVNULL)


def orbiter(place: Path, cache: Path, *words: str, prefix: tuple[str, ...] = ()) -> list[str]:
    command = [*prefix, sys.executable, "-m", "orbiter", *words]
    env = {**os.environ, "ORBITER_CACHE_DIR": str(cache), "PYTHONPATH": str(place)}
    done = subprocess.run(command, cwd=place, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_out_of_an_archive_without_any_network(clone: Path, builder: str, tmp_path: Path) -> None:
    orbiter(
        clone, tmp_path / "first", "archive", "-q", str(tmp_path / "kept"), "--release", "0.1.0"
    )
    offline, wiped = ("unshare", "--net"), tmp_path / "second"
    orbiter(
        clone,
        wiped,
        "fetch",
        "-q",
        "--release",
        "0.1.0",
        "--from",
        str(tmp_path / "kept"),
        prefix=offline,
    )
    told = orbiter(
        clone,
        wiped,
        *("build", "-q", "--release", "0.1.0", "--verify", "--no-load", "--builder", builder),
        prefix=offline,
    )
    assert [line.split()[0].rpartition("-")[0] for line in sorted(told)] == sorted(STAGES)
    assert all(line.endswith("as released") for line in told)
