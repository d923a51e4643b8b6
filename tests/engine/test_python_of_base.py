"""pip packages on base images with a Python of their own, and on images without one."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.paths import QUICK_ORBITER

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


def orbiter(project: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, QUICK_ORBITER, *words]
    return subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def _shared_cache(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORBITER_CACHE_DIR", str(cache))


@pytest.fixture
def removed() -> Iterator[None]:
    yield
    subprocess.run(["docker", "image", "rm", "--force", TAG], capture_output=True, check=False)


@pytest.mark.usefixtures("removed")
def test_the_python_of_the_base_image_is_used_even_if_apt_installs_another(tmp_path: Path) -> None:
    (tmp_path / "images.toml").write_text(
        IMAGES.replace("BASE", "python:3.13-slim").replace("APT", "python3")
    )
    locked = orbiter(tmp_path, "lock")
    assert locked.returncode == 0, locked.stderr
    assert (
        'interpreter = "/usr/local/bin/python3"'
        in (tmp_path / "locks/0.1.0/debian/apt.lock").read_text()
    )
    built = orbiter(tmp_path, "build", "-q", "--image", "debian-base")
    assert built.returncode == 0, built.stderr
    script = (
        "import markupsafe._speedups, platform, sys; "
        "print(sys.base_prefix, sys.prefix, platform.python_version())"
    )
    command = ["docker", "run", "--rm", TAG, "python", "-c", script]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.stdout.split() == ["/usr/local", "/opt/env", "3.13.2"], ran.stderr


@pytest.mark.parametrize(
    ("apt", "stage"),
    [
        ('apt = ["python3"]', "debian-base"),
        ('apt = ["make"]', "debian-base-build"),
        ("", "debian-base-build"),
    ],
)
def test_an_image_without_python_is_rejected(tmp_path: Path, apt: str, stage: str) -> None:
    images = IMAGES.replace("BASE", "debian:trixie-slim").replace('apt = ["ca-certificates"]', "")
    (tmp_path / "images.toml").write_text(images.replace('apt = ["APT"]', apt))
    refused = orbiter(tmp_path, "lock")
    assert refused.returncode == 2
    assert f"images.toml: {stage} has pip packages, but no Python" in refused.stderr
    assert (
        f'add "python3" to the apt list of {stage}, or of a stage that it inherits from'
        in refused.stderr
    )
    assert not (tmp_path / "locks").exists()


def test_the_python_of_packages_that_were_removed_does_not_count(tmp_path: Path) -> None:
    images = (
        IMAGES.partition("[image.")[0].replace("BASE", "debian:trixie-slim")
        + "[image.debian.base]\n"
    )
    (tmp_path / "images.toml").write_text(f'{images}apt = ["python3"]\npip = ["markupsafe"]\n')
    assert orbiter(tmp_path, "lock").returncode == 0
    before = (tmp_path / "locks/0.1.0/lockset.toml").read_bytes()
    (tmp_path / "images.toml").write_text(f'{images}pip = ["markupsafe"]\n')
    refused = orbiter(tmp_path, "lock")
    assert refused.returncode == 2
    assert "images.toml: debian-base has pip packages, but no Python" in refused.stderr
    assert (tmp_path / "locks/0.1.0/lockset.toml").read_bytes() == before
