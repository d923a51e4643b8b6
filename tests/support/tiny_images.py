"""Projects whose images take no time to make: one small file upon nothing, with the labels that Orbiter gives."""

import io
import os
import subprocess
import sys
import tarfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orbiter.config import snapshot
from orbiter.config.image_set import Builder, ImageSet
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
    """A folder with images.toml and a repository of its own, whose images are removed at the end (see ``project``)."""

    def __init__(self, folder: Path, registry: str = "") -> None:
        self.folder = folder
        self.repository = f"{registry}orbiter-test/tiny-{uuid.uuid4().hex}"
        (folder / "images.toml").write_text(IMAGES.format(repository=self.repository))

    def lay(
        self, release: str, files: dict[str, str] | None = None, repository: str = ""
    ) -> LockSet:
        """Write a lock set in place of the one before."""
        image_set = ImageSet(
            version=release,
            repository=repository or self.repository,
            platforms=(AMD64,),
            builders={"debian": Builder(name="debian", suite="trixie")},
            stages=(),
        )
        manifest = Manifest(release=release, cutoff="2026-11-01T00:00:00Z", source_date_epoch=1)
        locked = model.seal(manifest, {"images.toml": snapshot.dump(image_set), **(files or {})})
        lockset_folder.write(locked, self.folder / "locks" / release)
        return locked

    def image(
        self, name: str, root: str, *, title: str = "", release: str = "", repository: str = ""
    ) -> str:
        """Make an image with a lock set's label and those of the Dockerfile that are given; gives its tag."""
        tag = f"{repository or self.repository}:{name}"
        labels = {
            "org.orbiter.lockset": root,
            "org.opencontainers.image.title": title,
            "org.opencontainers.image.version": release,
        }
        changes = [
            word
            for key, value in labels.items()
            if value
            for word in ("--change", f"LABEL {key}={value}")
        ]
        command = ["docker", "import", *changes, "-", tag]
        subprocess.run(command, input=_tar(tag), check=True, stdout=subprocess.DEVNULL)
        return tag

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "orbiter", *words]

    def orbiter(self, *words: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
        command = self.command(*words)
        done = subprocess.run(
            command, cwd=self.folder, input=stdin, capture_output=True, text=True, check=False
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def tags(self) -> list[str]:
        """What the engine has of the repository."""
        command = ["docker", "image", "ls", "--format", "{{.Repository}}:{{.Tag}}", self.repository]
        return sorted(
            subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
        )


def _tar(content: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        member = tarfile.TarInfo("file")
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content.encode()))
    return buffer.getvalue()


@contextmanager
def project(folder: Path, registry: str = "") -> Iterator[Project]:
    """A project whose images are gone when the block ends."""
    made = Project(folder, registry)
    try:
        yield made
    finally:
        if tags := made.tags():
            subprocess.run(
                ["docker", "rmi", "--force", *tags], check=True, stdout=subprocess.DEVNULL
            )


def on_terminal(command: list[str], folder: Path, keys: str) -> tuple[int, str]:
    """Run a command on a terminal of its own, where somebody types; gives its exit code and what is seen."""
    ours, theirs = os.openpty()
    with subprocess.Popen(
        command, cwd=folder, stdin=theirs, stdout=theirs, stderr=theirs
    ) as process:
        os.close(theirs)
        os.write(ours, keys.encode())
        seen = b"".join(_typed(ours))
    os.close(ours)
    return process.returncode, seen.decode()


def _typed(terminal: int) -> Iterator[bytes]:
    while True:
        try:
            chunk = os.read(terminal, 4096)
        except OSError:  # the other end is closed
            return
        if not chunk:
            return
        yield chunk
