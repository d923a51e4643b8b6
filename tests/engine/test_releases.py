"""The releases in locks/: a fresh clone builds the digests that they recorded."""

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
    folder = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", ROOT, folder], check=True)
    return folder


@pytest.fixture
def builder() -> Iterator[str]:
    """Create a builder outside of the engine, with an empty cache."""
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


def orbiter(project: Path, cache: Path, *words: str, prefix: tuple[str, ...] = ()) -> list[str]:
    command = [*prefix, sys.executable, "-m", "orbiter", *words]
    env = {**os.environ, "ORBITER_CACHE_DIR": str(cache), "PYTHONPATH": str(project)}
    done = subprocess.run(
        command, cwd=project, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_an_archived_release_is_built_without_a_network(
    clone: Path, builder: str, tmp_path: Path
) -> None:
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
    lines = orbiter(
        clone,
        wiped,
        *("build", "-q", "--release", "0.1.0", "--verify", "--no-load", "--builder", builder),
        prefix=offline,
    )
    assert [line.split()[0].rpartition("-")[0] for line in sorted(lines)] == sorted(STAGES)
    assert all(line.endswith("as released") for line in lines)
