"""Projects with tiny images: one small file without a base image, with the labels of Orbiter."""

import io
import os
import subprocess
import sys
import tarfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec.structs import replace

from orbiter.config import snapshot
from orbiter.config.read import read_image_set
from orbiter.lockset import folder as lockset_folder
from orbiter.lockset import model
from orbiter.lockset.model import LockSet, Manifest

AMD64 = "linux/amd64"
IMAGES = """
version = "0.1.0"
repository = "{repository}"
[builder.debian]
from = "debian:trixie-slim"
python = "3.13"
[image.debian.core]
"""


class Project:
    """A folder with images.toml and its own repository; ``project`` removes its images."""

    def __init__(self, folder: Path, registry: str = "") -> None:
        self.folder = folder
        self.repository = f"{registry}orbiter-test/tiny-{uuid.uuid4().hex}"
        (folder / "images.toml").write_text(IMAGES.format(repository=self.repository))

    def write_lock_set(
        self, release: str, files: dict[str, str] | None = None, repository: str = ""
    ) -> LockSet:
        """Write a lock set, and replace an earlier one."""
        described = read_image_set(self.folder / "images.toml")
        image_set = replace(
            described, version=release, repository=repository or described.repository
        )
        manifest = Manifest(release=release, cutoff="2026-11-01T00:00:00Z", source_date_epoch=1)
        locked = model.seal(manifest, {"images.toml": snapshot.dump(image_set), **(files or {})})
        lockset_folder.write(locked, self.folder / "locks" / release)
        return locked

    def image(
        self, name: str, root: str, *, title: str = "", release: str = "", repository: str = ""
    ) -> str:
        """Make an image with the given labels, and return its tag.

        ``root`` is the root hash of the lock set.
        """
        tag = f"{repository or self.repository}:{name}"
        labels = {
            "org.orbiter.lockset": root,
            "org.opencontainers.image.title": title,
            "org.opencontainers.image.version": release,
        }
        changes = [f"--change=LABEL {key}={value}" for key, value in labels.items() if value]
        command = ["docker", "import", *changes, "-", tag]
        subprocess.run(command, input=_tar(tag), check=True, stdout=subprocess.DEVNULL)
        return tag

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "orbiter", *words]

    def orbiter(self, *words: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
        command = self.command(*words)
        result = subprocess.run(
            command, cwd=self.folder, input=stdin, capture_output=True, text=True, check=False
        )
        assert "Traceback" not in result.stderr, result.stderr
        return result

    def tags(self) -> list[str]:
        """Return the repository's tags in the engine, sorted."""
        command = ["docker", "image", "ls", "--format", "{{.Repository}}:{{.Tag}}", self.repository]
        result = subprocess.run(command, check=True, capture_output=True, text=True)
        return sorted(result.stdout.split())


def _tar(content: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        member = tarfile.TarInfo("file")
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content.encode()))
    return buffer.getvalue()


@contextmanager
def project(folder: Path, registry: str = "") -> Iterator[Project]:
    """Make a project, and remove its images when the block ends."""
    new_project = Project(folder, registry)
    try:
        yield new_project
    finally:
        if tags := new_project.tags():
            command = ["docker", "rmi", "--force", *tags]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def on_terminal(command: list[str], folder: Path, keys: str) -> tuple[int, str]:
    """Run a command on a terminal and type keys; return its exit code and the terminal's text."""
    controller, terminal = os.openpty()
    with subprocess.Popen(
        command, cwd=folder, stdin=terminal, stdout=terminal, stderr=terminal
    ) as process:
        os.close(terminal)
        os.write(controller, keys.encode())
        text = b"".join(_read_all(controller))
    os.close(controller)
    return process.returncode, text.decode()


def _read_all(terminal: int) -> Iterator[bytes]:
    while True:
        try:
            chunk = os.read(terminal, 4096)
        except OSError:  # the command has closed its end
            return
        if not chunk:
            return
        yield chunk
