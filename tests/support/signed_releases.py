"""A release for two platforms whose images are in a registry, and commands that sign them.

The images are small files instead of what the lock set describes: statements follow from the lock
set and the recorded digests alone.
"""

import hashlib
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from orbiter.config import snapshot
from orbiter.lockset import folder as lockset_folder
from orbiter.lockset import record
from orbiter.lockset.model import OWN_FILES, SNAPSHOT, LockSet
from orbiter.lockset.record import Digests, RecordedBuilder, RecordedImage, ReleaseRecord
from orbiter.oci.push import push_image
from orbiter.oci.registry import Repository, anonymous, repositories
from orbiter.oci.upload import tag_digest
from tests.support.image_blobs import index_of, write_image
from tests.support.lock_sets import rendered
from tests.support.oci_images import layer
from tests.support.sbom_lock_sets import PLATFORMS, mixed

RELEASE = "0.1.0"
IMAGE = "alpine-core"
LABEL = "org.orbiter.lockset"


class Published(NamedTuple):
    """``name`` is that of the repository, with the registry."""

    folder: Path
    lock_set: LockSet
    digests: Digests
    name: str

    @property
    def repository(self) -> Repository:
        (found,) = repositories(self.name, credentials=anonymous)
        return found

    def tag(self, image: str = IMAGE) -> str:
        return f"{image}-{RELEASE}"

    def digest(self, image: str = IMAGE) -> str:
        """Return the digest that the tag of an image names."""
        return tag_digest(self.repository, self.tag(image))

    def orbiter(self, *words: str, **env: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "orbiter", words[0], "--release", RELEASE, *words[1:]]
        done = subprocess.run(
            command,
            cwd=self.folder,
            env={**os.environ, **env},
            capture_output=True,
            text=True,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done


def lock_set_for(folder: Path, name: str, orbiter: str = "0.1.0") -> LockSet:
    """Return a lock set for two platforms with packages of apk and conda, and files."""
    folder.mkdir(parents=True, exist_ok=True)
    locked = mixed(folder)
    image_set = replace(locked.image_set, repository=name)
    own = {f"{OWN_FILES}/{hashlib.sha256(text).hexdigest()}": text.decode() for text in [b"own\n"]}
    files = {**locked.files, **own, SNAPSHOT: snapshot.dump(image_set)}
    return rendered(replace(locked.manifest, tools={"orbiter": orbiter}), files)


def publish(folder: Path, name: str) -> Published:
    """Write a release, and push an image for two platforms under each of its tags."""
    locked = lock_set_for(folder / "project", name)
    path = folder / "locks" / RELEASE
    lockset_folder.write(locked, path)
    stages = {stage: _push(folder, name, locked, stage) for stage in record.image_stages(locked)}
    digests = Digests(
        release=RELEASE,
        lockset=locked.root,
        builder=RecordedBuilder(buildkit="0.13.2", engine="26.1.5"),
        stages=stages,
        lists={},
    )
    record.write(ReleaseRecord(digests=digests, lists={}), path)
    return Published(folder, locked, digests, name)


def _push(folder: Path, name: str, locked: LockSet, stage: str) -> Mapping[str, RecordedImage]:
    labels = {LABEL: locked.root}
    images = [
        write_image(folder, [layer((stage, platform.encode()))], platform[6:], labels=labels)
        for platform in PLATFORMS
    ]
    (repository,) = repositories(name, credentials=anonymous)
    push_image(
        repository, f"{stage}-{RELEASE}", images, index_of(images), report=lambda _line: None
    )
    return {
        platform: RecordedImage(digest=image.digest, config=image.blobs[0].digest, layers=())
        for platform, image in zip(PLATFORMS, images, strict=True)
    }
