"""Packages that contain the same file: the same one wins in every build."""

import io
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.paths import QUICK_ORBITER

pytestmark = [pytest.mark.engine, pytest.mark.index]

REPOSITORY = "orbiter-test/overwrites"
TAG = f"{REPOSITORY}:debian-base-0.1.0"
# Real wheels: both contain serial/__init__.py. The sdists are made, so that they share a module.
IMAGES = f"""
version = "0.1.0"
repository = "{REPOSITORY}"
[builder.debian]
from = "python:3.13-slim"
pip-overwrites = ["OVERWRITES"]
[image.debian.core]
[image.debian.base]
from = "core"
[image.debian.base.build]
from = "core"
pip = ["orbit-made-a", "orbit-made-b", "pyserial==3.5", "serial==0.0.97"]
pip-sdist = ["orbit-made-a", "orbit-made-b"]
"""
PYPROJECT = """
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"
[project]
name = "{name}"
version = "1"
[tool.setuptools]
py-modules = ["orbit_made"]
"""


def write_sdist(folder: Path, name: str) -> None:
    root = f"{name.replace('-', '_')}-1"
    texts = {
        "PKG-INFO": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n",
        "pyproject.toml": PYPROJECT.format(name=name),
        "orbit_made.py": f"name = '{name}'\n",
    }
    with tarfile.open(folder / f"{root}.tar.gz", "w:gz") as archive:
        for path, text in texts.items():
            member = tarfile.TarInfo(f"{root}/{path}")
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))


def orbiter(project: Path, shared: Path, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, QUICK_ORBITER, *words],
        cwd=project,
        env={
            **os.environ,
            "ORBITER_CACHE_DIR": str(shared / "cache"),
            "PIP_FIND_LINKS": str(shared / "links"),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a folder with the made sdists and a cache."""
    folder = tmp_path_factory.mktemp("shared")
    (folder / "links").mkdir()
    for name in ("orbit-made-a", "orbit-made-b"):
        write_sdist(folder / "links", name)
    yield folder
    subprocess.run(["docker", "image", "rm", "--force", TAG], capture_output=True, check=False)


@pytest.mark.parametrize(("winner", "has_class"), [("serial", False), ("pyserial", True)])
def test_the_same_package_wins_in_every_build(
    tmp_path: Path, shared: Path, winner: str, has_class: bool
) -> None:
    (tmp_path / "images.toml").write_text(IMAGES.replace("OVERWRITES", winner))
    orbiter(tmp_path, shared, "lock")
    build = ("build", "-q", "--image", "debian-base")
    first = orbiter(tmp_path, shared, *build)
    again = orbiter(tmp_path, shared, *build, "--no-cache", "--no-load")
    assert first == again
    # pyserial has the class Serial, and the compiled packages are installed by name.
    code = "import serial, orbit_made; print(hasattr(serial, 'Serial'), orbit_made.name)"
    command = ["docker", "run", "--rm", "--network", "none", TAG, "python3", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout == f"{has_class} orbit-made-b\n", done.stderr
