"""Which Python packages of pip are for: that of the base image, of a stage's system packages, or of none."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = [pytest.mark.engine, pytest.mark.index]

REPOSITORY = "orbiter-test/python-of-base"
IMAGES = f"""
version = "0.1.0"
repository = "{REPOSITORY}"
[builder.debian]
from = "BASE"
[image.debian.core]
apt = ["ca-certificates"]
[image.debian.base]
from = "core"
[image.debian.base.build]
from = "core"
apt = ["APT"]
pip = ["markupsafe"]
"""
TAG = f"{REPOSITORY}:debian-base-0.1.0"


def orbiter(place: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    env = {**os.environ, "ORBITER_CACHE_DIR": str(place / "cache")}
    command = [sys.executable, "-m", "orbiter", *words]
    return subprocess.run(command, cwd=place, env=env, capture_output=True, text=True, check=False)


def written(place: Path, base: str, apt: str) -> Path:
    (place / "images.toml").write_text(IMAGES.replace("BASE", base).replace("APT", apt))
    return place


@pytest.fixture
def removed() -> Iterator[None]:
    yield
    subprocess.run(["docker", "image", "rm", "--force", TAG], capture_output=True, check=False)


@pytest.mark.usefixtures("removed")
def test_an_image_that_has_python_keeps_it(tmp_path: Path) -> None:
    place = written(tmp_path, "python:3.13-slim", "make")
    locked = orbiter(place, "lock")
    assert locked.returncode == 0, locked.stderr
    built = orbiter(place, "build", "-q", "--image", "debian-base")
    assert built.returncode == 0, built.stderr
    script = "import markupsafe._speedups, platform, sys; print(sys.base_prefix, sys.prefix, platform.python_version())"
    command = ["docker", "run", "--rm", TAG, "python", "-c", script]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.stdout.split() == ["/usr/local", "/opt/env", "3.13.2"], ran.stderr


def test_an_image_without_the_python_of_its_build_stage_is_refused(tmp_path: Path) -> None:
    place = written(tmp_path, "debian:trixie-slim", "python3")
    refused = orbiter(place, "lock")
    assert refused.returncode == 2
    told = "images.toml: debian-base has packages of pip, but not the Python that debian-base-build has for them"
    assert told in refused.stderr
    assert 'add "python3" to the apt list of debian-base, or of a stage that both stand on' in refused.stderr
    assert not (place / "locks").exists()
