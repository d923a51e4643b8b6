"""Lock sets with files in the store, to archive and to fetch."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from orbiter.archive import keep as archive_keep
from orbiter.cli.board import Board
from orbiter.config import snapshot
from orbiter.config.image_set import Builder, ImageSet
from orbiter.lockset import model
from orbiter.lockset.model import LockSet, Manifest
from orbiter.store.artifact_list import LockedFile, format_list
from orbiter.store.store import Store
from tests.support.paths import INVENTED_ORBITER

AMD64, BASE = "linux/amd64", "debian:trixie-slim"
QUIET = Board(quiet=True)
FILES = {"pip/a-1.whl": b"wheel" * 50, "npm/b-1.tgz": b"tarball", "apt/c_1_amd64.deb": b"deb"}


def digest_of(content: bytes, algorithm: str = "sha256") -> str:
    return f"{algorithm}:{hashlib.new(algorithm, content).hexdigest()}"


def entry_of(path: str, content: bytes) -> LockedFile:
    algorithm = "sha512" if path.startswith("npm/") else "sha256"
    return LockedFile(
        path=path, hash=digest_of(content, algorithm), size=len(content), source=f"pip:x/{path}"
    )


def store_blobs(*contents: bytes) -> list[dict[str, object]]:
    """Put blobs of an image into the store; return their descriptors."""
    for content in contents:
        Store().add(content, digest_of(content))
    return [
        {"mediaType": "x", "digest": digest_of(content), "size": len(content)}
        for content in contents
    ]


def locked_of(entries: list[LockedFile], release: str = "0.1.0") -> LockSet:
    """Return a lock set with these artifacts, on a base image that is in the store."""
    config_part, layer = store_blobs(b'{"os": "linux", "architecture": "amd64"}', b"layer" * 1000)
    manifest = json.dumps({"schemaVersion": 2, "config": config_part, "layers": [layer]}).encode()
    store_blobs(manifest)
    builders = {"debian": Builder(name="debian", base=BASE)}
    image_set = ImageSet(
        version=release, repository="a/b", platforms=(AMD64,), builders=builders, stages=()
    )
    return model.seal(
        Manifest(
            release=release,
            cutoff="2026-11-01T00:00:00Z",
            source_date_epoch=1,
            bases={BASE: {AMD64: digest_of(manifest)}},
        ),
        {
            "images.toml": snapshot.dump(image_set),
            "build/docker-bake.json": "{}",
            "build/debian-base/artifacts-linux-amd64.txt": format_list(entries),
        },
    )


def locked(files: dict[str, bytes] = FILES, release: str = "0.1.0") -> LockSet:
    """Return a lock set of these files, which are in the store."""
    entries = [entry_of(path, content) for path, content in files.items()]
    for entry in entries:
        Store().add(files[entry.path], entry.hash)
    return locked_of(entries, release)


def store_contents() -> dict[str, bytes]:
    root = Store().root
    return {
        str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()
    }


def archive(locked: LockSet, target: str) -> str:
    return str(archive_keep.archive_release(locked, (), target, QUIET))


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def run_orbiter(folder: Path, *words: str, disk: str = "") -> "subprocess.CompletedProcess[str]":
    """Run a command on release 0.1.0; ``disk`` has the options of a disk at ``folder/disk``."""
    command = [sys.executable, INVENTED_ORBITER, *words, "--release", "0.1.0", "-q"]
    if disk:
        (folder / "disk").mkdir(exist_ok=True)
        mount = f'mount -t tmpfs -o {disk} tmpfs disk && exec "$@"'
        command = ["unshare", "--map-root-user", "--mount", "sh", "-c", mount, "sh", *command]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if disk and "Operation not permitted" in done.stderr:
        pytest.skip(f"no disk can be mounted: {done.stderr}")
    assert "Traceback" not in done.stderr
    return done
