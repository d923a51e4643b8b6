"""A folder with images.toml and lock sets whose images build quickly and are removed at the end."""

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
from orbiter.config.image_set import ImageSet
from orbiter.lockset import folder as lockset_folder
from orbiter.lockset.inputs import locked_files
from orbiter.lockset.model import LockSet
from orbiter.lockset.targets import target_for
from resolvers.types.packages import LockFiles
from resolvers.types.request import Target
from tests.support.alpine_world import docker
from tests.support.paths import QUICK_ORBITER

BUILT_IMAGE = re.compile(r".*:(.*)-\d+\.\d+\.\d+  (sha256:[0-9a-f]{64})")


class Project:
    """Runs orbiter as a user does; ``digests`` are those of the first build of all images."""

    def __init__(self, folder: Path, cache: Path, images: str) -> None:
        self.folder = folder
        self.cache = cache
        self.digests: dict[str, str] = {}
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "images.toml").write_text(images)

    def start(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run orbiter in the folder and return the finished process."""
        return subprocess.run(
            self.command(*arguments),
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, str(QUICK_ORBITER), *arguments]

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "ORBITER_CACHE_DIR": str(self.cache)}

    def run(self, *arguments: str) -> str:
        """Run a command that succeeds and return its standard output."""
        process = self.start(*arguments)
        assert process.returncode == 0, process.stdout + process.stderr
        return process.stdout

    def run_rejected(self, *arguments: str) -> str:
        """Run a command that ends with an expected error and return its standard error.

        The locks and the images must stay as they are.
        """
        before = self.lock_contents(), self.engine_images()
        process = self.start(*arguments)
        assert process.returncode == 2, process.stdout + process.stderr
        assert process.stdout == ""
        assert "Traceback" not in process.stderr
        assert "error: " in process.stderr
        assert (self.lock_contents(), self.engine_images()) == before
        return process.stderr

    def edit(self, old: str, new: str) -> None:
        """Replace a text in images.toml."""
        path = self.folder / "images.toml"
        text = path.read_text()
        assert old in text, old
        path.write_text(text.replace(old, new))

    def lock_contents(self) -> dict[str, bytes]:
        """Return all files of the lock sets by path."""
        files = (path for path in (self.folder / "locks").rglob("*") if path.is_file())
        return {str(path.relative_to(self.folder)): path.read_bytes() for path in files}

    def engine_images(self) -> list[str]:
        """Return tags and identifiers of the engine's images in the project's repository."""
        row = "{{.Repository}}:{{.Tag}} {{.ID}}"
        return sorted(
            docker("image", "ls", "--format", row, self.image_set.repository).splitlines()
        )

    def lock(self, *arguments: str) -> str:
        """Lock and return all output."""
        process = self.start("lock", *arguments)
        assert process.returncode == 0, process.stderr
        return process.stdout + process.stderr

    def build(self, *arguments: str) -> dict[str, str]:
        """Build and return the digests by stage."""
        lines = self.run("build", "--quiet", *arguments).splitlines()
        matches = (BUILT_IMAGE.fullmatch(line) for line in lines)
        return {match[1]: match[2] for match in matches if match}

    def tag(self, stage: str) -> str:
        return f"{self.image_set.repository}:{stage}-{self.image_set.version}"

    @property
    def image_set(self) -> ImageSet:
        return config_read.read_image_set(self.folder / "images.toml")

    @property
    def base(self) -> str:
        return self.image_set.builders["alpine"].base

    def copy(self, folder: Path, *, cache: Path | None = None) -> "Project":
        """Return a copy of images.toml and the lock sets, for a test to change."""
        shutil.copytree(self.folder / "locks", folder / "locks")
        return Project(folder, cache or self.cache, (self.folder / "images.toml").read_text())

    def lock_set(self, release: str = "0.1.0") -> LockSet:
        return lockset_folder.read(self.folder / "locks" / release)

    def lock_files(self, manager: str) -> LockFiles:
        return locked_files(self.lock_set(), "alpine", manager)

    def target(self, platform: str = "linux/amd64") -> Target:
        return target_for(self.lock_set().manifest.builders["alpine"], platform)


@contextmanager
def temporary_project(folder: Path, cache: Path, images: str) -> Iterator[Project]:
    """Yield a project with a repository of its own, which replaces ``{repository}`` in ``images``.

    Its images are removed at the end.
    """
    repository = f"orbiter-test/alpine-{uuid.uuid4().hex}"
    project = Project(folder, cache, images.replace("{repository}", repository))
    try:
        yield project
    finally:
        if tags := [line.split()[0] for line in project.engine_images()]:
            docker("image", "rm", "--force", *tags)


def run_inside(tag: str, script: str, *options: str) -> str:
    """Run a shell script in an image without a network and return its output."""
    return docker("run", "--rm", "--network=none", *options, tag, "sh", "-c", f"set -e\n{script}")


def layer_digests(archive: Path) -> list[str]:
    """Return the digests of the layers in an image archive."""
    with tarfile.open(archive) as tar:

        def read(name: str) -> dict[str, list[dict[str, str]]]:
            file = tar.extractfile(name)
            assert file
            return dict(json.load(file))

        digest = read("index.json")["manifests"][0]["digest"]
        return [layer["digest"] for layer in read(f"blobs/{digest.replace(':', '/')}")["layers"]]
