"""A folder with an image set of an own repository, in which a test runs orbiter as a user does."""

import os
import subprocess
import sys
from pathlib import Path

from tests.support.paths import QUICK_ORBITER


class RepositoryProject:
    """An image set in a folder; each ``cache`` is a store of its own beside the folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def start(self, *arguments: str, cache: str = "cache") -> "subprocess.CompletedProcess[str]":
        env = {**os.environ, "ORBITER_CACHE_DIR": str(self.folder.parent / cache)}
        command = [sys.executable, QUICK_ORBITER, *arguments]
        return subprocess.run(
            command, cwd=self.folder, env=env, check=False, text=True, capture_output=True
        )

    def run(self, *arguments: str, cache: str = "cache") -> str:
        """Run a command that succeeds and return its standard output."""
        process = self.start(*arguments, cache=cache)
        assert process.returncode == 0, process.stderr
        return process.stdout
