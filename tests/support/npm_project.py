"""A folder with images.toml whose npm packages are locked by the real commands."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

IMAGES = """\
version = "{version}"
repository = "example/notebooks"
{top}
[builder.debian]
from = {{ debian = "trixie" }}
{rules}

[image.debian.base]
apt = ["nodejs"]

[image.debian.base.build]
apt = ["nodejs"]
npm = [{npm}]
"""
ORBITER = "from orbiter.cli.main import main; main()"


class NpmProject:
    """The folder; no command finds a Docker engine, so only npm is locked."""

    def __init__(self, folder: Path, variables: dict[str, str] | None = None) -> None:
        self.folder = folder
        self.variables = variables or {}

    def write(self, npm: str, rules: str = "", top: str = "", version: str = "0.1.0") -> None:
        text = IMAGES.format(npm=npm, rules=rules, top=top, version=version)
        (self.folder / "images.toml").write_text(text, encoding="utf-8")

    def run(self, *words: str) -> "subprocess.CompletedProcess[str]":
        env = {**os.environ, "DOCKER_HOST": "unix:///nowhere.sock", **self.variables}
        command = [sys.executable, "-c", ORBITER, *words]
        return subprocess.run(
            command, cwd=self.folder, env=env, capture_output=True, text=True, check=False
        )

    def lock(self, *words: str) -> str:
        """Lock npm's packages; return everything that the command prints."""
        done = self.run("lock", "--only", "npm", *words)
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    def fails(self, *words: str) -> str:
        """Return the error of a command that changes nothing."""
        before = self.contents()
        done = self.run(*words)
        assert done.returncode == 2, done.stdout + done.stderr
        assert self.contents() == before
        return done.stderr

    def contents(self) -> dict[str, bytes]:
        locks = self.folder / "locks"
        return {str(path): path.read_bytes() for path in locks.rglob("*") if path.is_file()}

    def lock_files(self, version: str = "0.1.0") -> dict[str, str]:
        """Return npm's lock files by name."""
        folder = self.folder / "locks" / version / "debian"
        names = ("package.json", "package-lock.json")
        return {name: (folder / name).read_text(encoding="utf-8") for name in names}

    def stale(self) -> str:
        """Return what the check says about npm; apt is never locked here."""
        done = self.run("lock", "--check")
        assert done.returncode == 1, done.stderr
        lines = (done.stdout + done.stderr).splitlines()
        return "\n".join(line for line in lines if line.startswith("stale:") and "apt" not in line)

    def diff(self, old: str, new: str) -> dict[str, Any]:
        """Return the differences of two releases, as JSON has them."""
        done = self.run("diff-locks", f"locks/{old}", f"locks/{new}", "--format", "json")
        assert done.returncode == 0, done.stderr
        differences: dict[str, Any] = json.loads(done.stdout)
        return differences
