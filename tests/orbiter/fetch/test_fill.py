"""Filling the store: mirrors are read once, and only if packages are missing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from orbiter.config import snapshot
from orbiter.config.image_set import Builder, ImageSet
from orbiter.lockset import folder, model
from orbiter.lockset.model import Manifest
from orbiter.store.artifact_list import LockedFile, format_list
from orbiter.store.store import Store
from tests.support.paths import INVENTED_ORBITER

BASE, ALPINE, AMD64 = "debian:trixie-slim", "alpine:3.23", "linux/amd64"
OF_AN_IMAGE = Builder(name="debian", base=BASE)
OF_ALPINE = Builder(name="alpine", base=ALPINE)
OF_PACKAGES = Builder(name="debian", suite="trixie")
PACKAGES = [
    LockedFile(
        path=f"apt/{name}.deb", hash=f"sha256:{name * 64}", size=1, source=f"apt:pool/{name}.deb"
    )
    for name in "abc"
]
APKS = [
    LockedFile(
        path=f"apk/{name}.apk",
        hash=f"sha256:{name * 64}",
        size=1,
        source=f"apk:v3.23/main/x86_64/{name}.apk",
    )
    for name in "def"
]
EMPTY = LockedFile(
    path="apt/e.deb",
    hash="sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    source="apt:e",
)


def write_lock_set(folder_path: Path, entries: list[LockedFile], *builders: Builder) -> None:
    """Write a lock set with these artifacts."""
    named = {builder.name: builder for builder in builders}
    image_set = ImageSet(
        version="0.1.0", repository="a/b", platforms=(AMD64,), builders=named, stages=()
    )
    bases = {builder.base: {AMD64: "sha256:" + "d" * 64} for builder in builders if builder.base}
    manifest = Manifest(
        release="0.1.0", cutoff="2026-11-01T00:00:00Z", source_date_epoch=1, bases=bases
    )
    files = {
        "images.toml": snapshot.dump(image_set),
        "build/docker-bake.json": "{}",
        "build/stage/artifacts-linux-amd64.txt": format_list(entries),
    }
    folder.write(model.seal(manifest, files), folder_path / "locks" / "0.1.0")


SETTINGS = ("ORBITER_APK_MIRROR", "ORBITER_APT_MIRROR", "ORBITER_ARCHIVE")


def fetch(project: Path, **env: str) -> "subprocess.CompletedProcess[str]":
    """Fetch without an engine."""
    variables = {
        **os.environ,
        "DOCKER_HOST": "tcp://127.0.0.1:1",
        **dict.fromkeys(SETTINGS, ""),
        **env,
    }
    command = [sys.executable, INVENTED_ORBITER, "fetch", "-q", "--release", "0.1.0"]
    return subprocess.run(
        command, cwd=project, env=variables, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("builders", "entries", "mirrors", "variable"),
    [
        (
            [OF_AN_IMAGE],
            PACKAGES,
            f"Debian mirrors from the image {BASE}",
            "ORBITER_APT_MIRROR",
        ),
        (
            [OF_PACKAGES],
            PACKAGES,
            f"Debian mirrors from the image {BASE}",
            "ORBITER_APT_MIRROR",
        ),
        (
            [OF_ALPINE],
            APKS,
            f"Alpine mirrors from the image {ALPINE}",
            "ORBITER_APK_MIRROR",
        ),
        (
            [OF_AN_IMAGE, OF_ALPINE],
            APKS,
            f"Alpine mirrors from the image {ALPINE}",
            "ORBITER_APK_MIRROR",
        ),
        (
            [OF_ALPINE, OF_AN_IMAGE],
            PACKAGES,
            f"Debian mirrors from the image {BASE}",
            "ORBITER_APT_MIRROR",
        ),
    ],
)
def test_without_an_engine_and_mirrors_there_is_one_error(
    tmp_path: Path, builders: list[Builder], entries: list[LockedFile], mirrors: str, variable: str
) -> None:
    write_lock_set(tmp_path, entries, *builders)
    done = fetch(tmp_path)
    assert done.returncode == 2
    error, _, hint = done.stderr.partition("\n\nhint: ")
    assert error.startswith(f"error: reading the {mirrors} needs a Docker engine: ")
    assert len(error.splitlines()) == 1
    assert hint.startswith(f"start Docker Engine with buildx, set mirrors in {variable}, or ")
    assert "orbiter fetch --from" in hint


def test_mirrors_of_the_environment_need_no_engine(tmp_path: Path) -> None:
    write_lock_set(tmp_path, [*PACKAGES, *APKS], OF_PACKAGES, OF_ALPINE)
    done = fetch(
        tmp_path, ORBITER_APT_MIRROR="http://127.0.0.1:1", ORBITER_APK_MIRROR="http://127.0.0.1:1"
    )
    assert "6 files could not be fetched:" in done.stderr


def test_mirrors_of_the_network_profile_need_no_engine(tmp_path: Path) -> None:
    write_lock_set(tmp_path, [*PACKAGES, *APKS], OF_PACKAGES, OF_ALPINE)
    profile = tmp_path / "config.toml"
    profile.write_text(
        '[network.mirrors]\napt = "http://127.0.0.1:1/debian"\napk = "http://127.0.0.1:1/alpine"\n',
        "utf-8",
    )
    done = fetch(tmp_path, ORBITER_CONFIG_FILE=str(profile))
    assert "6 files could not be fetched:" in done.stderr
    assert "http://127.0.0.1:1/alpine/" in done.stderr


def test_packages_in_the_store_need_no_engine(tmp_path: Path) -> None:
    Store().add(b"", EMPTY.hash)
    write_lock_set(tmp_path, [EMPTY], OF_PACKAGES)
    assert fetch(tmp_path).stdout == "0 files fetched (0 MB), 1 already present\n"
