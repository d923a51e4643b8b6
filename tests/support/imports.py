"""Runs ``orbiter import`` in a folder, and reads the new images.toml with another TOML reader."""

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any, NamedTuple

RUN = "from orbiter.cli.import_ import import_file; import_file(prog_name='orbiter import')"


class Imported(NamedTuple):
    """The outcome of an import: its output, and the data of images.toml."""

    code: int
    out: str
    err: str
    data: dict[str, Any]

    def entries(self, manager: str) -> list[str]:
        """Return the requirements of a manager in all stages, those with an index as their text."""
        found: list[str] = []
        for images in self.data.get("image", {}).values():
            for image in images.values():
                for table in (image, image.get("build", {})):
                    found += [_text(entry) for entry in table.get(manager, [])]
        return found

    def accounts_for(self, manager: str, text: str) -> bool:
        """Return whether an entry of the file is in images.toml, or on the list."""
        return text in self.entries(manager) or text in self.err


def _text(entry: str | dict[str, str]) -> str:
    return entry if isinstance(entry, str) else entry["requirement"]


def import_in(folder: Path, *words: str | Path) -> Imported:
    """Run the command; it never ends with a traceback, and stops if it takes minutes."""
    command = [sys.executable, "-c", RUN, *map(str, words)]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, timeout=300
    )
    assert "Traceback" not in done.stderr, done.stderr
    path = folder / "images.toml"
    data = tomllib.loads(path.read_text()) if path.exists() else {}
    return Imported(done.returncode, done.stdout, done.stderr, data)


def import_text(folder: Path, name: str, text: str, *words: str) -> Imported:
    """Write a file into the folder and import it."""
    (folder / name).write_text(text)
    return import_in(folder, name, *words)
