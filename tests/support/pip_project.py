"""A folder with an images.toml that has only pip requirements to lock, and three indexes."""

import os
import subprocess
import sys
from pathlib import Path

from resolvers.pip import pip_tools, poetry
from tests.support.wheel_index import WheelIndex

IMAGES = """\
version = "{version}"
repository = "example/notebooks"

[index.one]
url = "{one}"

[index.two]
url = "{two}"

[builder.debian]
from = {{ debian = "trixie" }}
python = "3.13.5"
pip-engine = "{engine}"
{rules}

[image.debian.base]
apt = ["python3"]

[image.debian.base.build]
apt = ["python3"]
pip = [{pip}]
"""
RUN = """
from resolvers.pip import pip_tools, poetry
poetry.interpreter = lambda _progress: {poetry!r}
pip_tools.interpreter = lambda _progress: {pip_tools!r}
from orbiter.cli.main import main
main()
"""


class Project:
    """A folder with images.toml, and three indexes: pip's own one, ``one`` and ``two``."""

    def __init__(self, folder: Path, engine: str, indexes: tuple[WheelIndex, ...]) -> None:
        self.folder = folder
        self.engine = engine
        self.main, self.one, self.two = indexes
        self.extra = ""
        # The engines themselves come from the index of this machine.
        self.program = RUN.format(
            poetry=poetry.interpreter(lambda _line: None),
            pip_tools=pip_tools.interpreter(lambda _line: None),
        )

    def write(self, pip: str, rules: str = "", version: str = "0.1.0") -> None:
        text = IMAGES.format(
            pip=pip,
            rules=rules,
            version=version,
            engine=self.engine,
            one=self.one.url,
            two=self.two.url,
        )
        (self.folder / "images.toml").write_text(text, encoding="utf-8")

    def run(self, *words: str) -> "subprocess.CompletedProcess[str]":
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
        env = {**kept, "PIP_CONFIG_FILE": "/dev/null", "DOCKER_HOST": "unix:///nowhere.sock"}
        env |= {"PIP_INDEX_URL": self.main.url, "PIP_EXTRA_INDEX_URL": self.extra}
        command = [sys.executable, "-c", self.program, *words]
        return subprocess.run(
            command, cwd=self.folder, env=env, capture_output=True, text=True, check=False
        )

    def lock(self, *words: str) -> str:
        done = self.run("lock", "--only", "pip", *words)
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    def contents(self) -> dict[str, bytes]:
        locks = self.folder / "locks"
        return {str(path): path.read_bytes() for path in locks.rglob("*") if path.is_file()}

    def stale(self) -> str:
        """Return what the check says about pip."""
        done = self.run("lock", "--check")
        assert done.returncode == 1  # apt is never locked here
        lines = (done.stdout + done.stderr).splitlines()
        return "\n".join(line for line in lines if line.startswith("stale:") and "apt" not in line)
