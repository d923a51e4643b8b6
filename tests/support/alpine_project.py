"""A folder with images.toml and its lock sets, whose images are built quickly and removed at the end."""

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orbiter.config import read as config_read
from orbiter.lockset import folder as lockset_folder
from orbiter.lockset import model
from orbiter.lockset.inputs import locked_files
from orbiter.lockset.model import LockSet
from orbiter.lockset.targets import target_for
from resolvers.types import LockFiles, Target
from tests.support.alpine_world import docker


class Project:
    """Runs orbiter as a user does; ``digests`` are those of all images as they were built first, by stage."""

    def __init__(self, folder: Path, cache: Path, images: str) -> None:
        self.folder = folder
        self.cache = cache
        self.digests: dict[str, str] = {}
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "images.toml").write_text(images)

    def orbiter(self, *words: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "orbiter", *words]
        env = {**os.environ, "ORBITER_CACHE_DIR": str(self.cache), **environment}
        return subprocess.run(
            command, cwd=self.folder, env=env, capture_output=True, text=True, check=False
        )

    def told(self, *words: str, **environment: str) -> str:
        """What a command that goes well prints."""
        done = self.orbiter(*words, **environment)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def refused(self, *words: str, **environment: str) -> str:
        """What a command says that ends with an expected error, and leaves all locks and images as they were."""
        before = self.locks(), self.images()
        done = self.orbiter(*words, **environment)
        assert done.returncode == 2, done.stdout + done.stderr
        assert done.stdout == ""
        assert "Traceback" not in done.stderr
        assert "error: " in done.stderr
        assert (self.locks(), self.images()) == before
        return done.stderr

    def edit(self, old: str, new: str) -> None:
        path = self.folder / "images.toml"
        text = path.read_text()
        assert old in text, old
        path.write_text(text.replace(old, new))

    def locks(self) -> dict[str, bytes]:
        files = (path for path in (self.folder / "locks").rglob("*") if path.is_file())
        return {str(path.relative_to(self.folder)): path.read_bytes() for path in files}

    def images(self) -> list[str]:
        """Tags and digests of what the engine has in the project's repository, sorted."""
        repository = config_read.read_image_set(self.folder / "images.toml").repository
        return sorted(
            docker(
                "image", "ls", "--format", "{{.Repository}}:{{.Tag}} {{.ID}}", repository
            ).splitlines()
        )

    def lock(self, *words: str) -> str:
        """Lock; the layers of what is built from it are compressed less, which is quicker. Gives what was said."""
        done = self.orbiter("lock", *words)
        assert done.returncode == 0, done.stderr
        place = (
            self.folder / "locks" / config_read.read_image_set(self.folder / "images.toml").version
        )
        locked = lockset_folder.read(place)
        files = {
            name: text.replace("compression-level=19", "compression-level=1")
            for name, text in locked.files.items()
        }
        lockset_folder.write(model.seal(locked.manifest, files), place)
        return done.stdout + done.stderr

    def build(self, *words: str) -> dict[str, str]:
        """Build; gives the digest of each stage."""
        lines = self.told("build", "--quiet", *words).splitlines()
        found = (
            re.fullmatch(r".*:(.*)-\d+\.\d+\.\d+  (sha256:[0-9a-f]{64})", line) for line in lines
        )
        return {each[1]: each[2] for each in found if each}

    def tag(self, stage: str) -> str:
        image_set = config_read.read_image_set(self.folder / "images.toml")
        return f"{image_set.repository}:{stage}-{image_set.version}"

    @property
    def base(self) -> str:
        """The base image."""
        return config_read.read_image_set(self.folder / "images.toml").builders["alpine"].base

    def copy(self, folder: Path, *, cache: Path | None = None) -> "Project":
        """images.toml and the lock sets once more, for a test to change."""
        shutil.copytree(self.folder / "locks", folder / "locks")
        return Project(folder, cache or self.cache, (self.folder / "images.toml").read_text())

    def locked(self, release: str = "0.1.0") -> LockSet:
        return lockset_folder.read(self.folder / "locks" / release)

    def lock_files(self, manager: str) -> LockFiles:
        return locked_files(self.locked(), "alpine", manager)

    def target(self, platform: str = "linux/amd64") -> Target:
        return target_for(self.locked().manifest.builders["alpine"], platform)


@contextmanager
def project(folder: Path, cache: Path, images: str) -> Iterator[Project]:
    """A project with a repository of its own, ``{repository}`` in ``images``; its images go at the end."""
    made = Project(
        folder, cache, images.replace("{repository}", f"orbiter-test/alpine-{uuid.uuid4().hex}")
    )
    try:
        yield made
    finally:
        if tags := [line.split()[0] for line in made.images()]:
            docker("image", "rm", "--force", *tags)


def inside(tag: str, script: str, *words: str) -> str:
    """What a script prints in an image, without a network."""
    return docker("run", "--rm", "--network=none", *words, tag, "sh", "-c", f"set -e\n{script}")


def layers(archive: Path) -> list[str]:
    """The digests of an image archive's layers."""
    with tarfile.open(archive) as tar:

        def read(name: str) -> dict[str, list[dict[str, str]]]:
            file = tar.extractfile(name)
            assert file
            return dict(json.load(file))

        digest = read("index.json")["manifests"][0]["digest"]
        return [layer["digest"] for layer in read(f"blobs/{digest.replace(':', '/')}")["layers"]]
