"""Filling the store of a machine: what is needed for it is asked for once, and told once."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from orbiter import config, lockset
from orbiter.config import Builder, ImageSet
from orbiter.lockset import Manifest
from orbiter.store import Entry, Store, format_entries

BASE, AMD64 = "debian:trixie-slim", "linux/amd64"
OF_AN_IMAGE = Builder(name="debian", base=BASE)
OF_PACKAGES = Builder(name="debian", suite="trixie")
PACKAGES = [
    Entry(path=f"apt/{name}.deb", hash=f"sha256:{name * 64}", size=1, source=f"apt:pool/{name}.deb") for name in "abc"
]
EMPTY = Entry(
    path="apt/e.deb", hash="sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", source="apt:e"
)


def lay(place: Path, builder: Builder, entries: list[Entry]) -> None:
    """Write a lock set with these artifacts."""
    image_set = ImageSet(version="0.1.0", repository="a/b", platforms=(AMD64,), builders={"debian": builder}, stages=())
    bases = {builder.base: {AMD64: "sha256:" + "d" * 64}} if builder.base else {}
    manifest = Manifest(release="0.1.0", cutoff="2026-11-01T00:00:00Z", source_date_epoch=1, bases=bases)
    files = {
        "images.toml": config.dump(image_set),
        "build/docker-bake.json": "{}",
        "build/debian/artifacts-linux-amd64.txt": format_entries(entries),
    }
    lockset.write(lockset.seal(manifest, files), place / "locks" / "0.1.0")


def fetch(place: Path, **env: str) -> "subprocess.CompletedProcess[str]":
    """Fetch where no engine answers."""
    variables = {**os.environ, "DOCKER_HOST": "tcp://127.0.0.1:1", "ORBITER_APT_MIRROR": "", **env}
    command = [sys.executable, "-m", "orbiter", "fetch", "-q", "--release", "0.1.0"]
    return subprocess.run(command, cwd=place, env=variables, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("builder", [OF_AN_IMAGE, OF_PACKAGES])
def test_without_an_engine_and_mirrors_there_is_one_error(tmp_path: Path, builder: Builder) -> None:
    lay(tmp_path, builder, PACKAGES)
    done = fetch(tmp_path)
    assert done.returncode == 2
    told, _, hint = done.stderr.partition("\n\nhint: ")
    assert told.startswith(f"error: where Debian's packages are is read from the image {BASE}, which needs an engine: ")
    assert len(told.splitlines()) == 1
    assert hint.startswith("start one, or name mirrors in ORBITER_APT_MIRROR, or ")
    assert "orbiter fetch --from" in hint


def test_mirrors_of_the_environment_need_no_engine(tmp_path: Path) -> None:
    lay(tmp_path, OF_PACKAGES, PACKAGES)
    done = fetch(tmp_path, ORBITER_APT_MIRROR="http://127.0.0.1:1")
    assert "3 files could not be fetched:" in done.stderr


def test_packages_that_are_there_need_no_engine(tmp_path: Path) -> None:
    Store().add(b"", EMPTY.hash)
    lay(tmp_path, OF_PACKAGES, [EMPTY])
    assert fetch(tmp_path).stdout == "0 files fetched (0 MB), 1 were there\n"
