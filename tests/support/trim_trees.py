"""File systems for tests of trimming: made of texts, or read from a folder of this machine."""

import csv
import hashlib
import os
import shutil
from collections.abc import Collection, Mapping
from pathlib import Path

from orbiter.assembly.tree import Content, Entry
from orbiter.assembly.trim import Trimmed, trim
from orbiter.assembly.trim_rules import RULES

ALL_RULES = frozenset({*RULES, "duplicates", "debug-symbols"})
PACKAGES = "opt/env/lib/python3.13/site-packages"
NOWHERE = Path("/nonexistent")


def file(content: bytes, mode: int = 0o644, inode: int = 0) -> Entry:
    digest = hashlib.sha256(content).hexdigest()
    described = Content(digest=digest, size=len(content), source=NOWHERE, offset=0)
    return Entry(kind="file", mode=mode, uid=1000, gid=100, content=described, inode=inode)


def folder() -> Entry:
    return Entry(kind="folder", mode=0o755, uid=1000, gid=100)


class Stage:
    """The paths that a stage adds, with the folders above them; all belong to one package."""

    def __init__(self, contents: Mapping[str, str | bytes], owner: str = "pip:example") -> None:
        encoded = {
            path: content.encode() if isinstance(content, str) else content
            for path, content in contents.items()
        }
        self.contents = {path: data for path, data in encoded.items() if not path.endswith("/")}
        self.own: dict[str, Entry] = {}
        for path in sorted(encoded):
            parts = path.rstrip("/").split("/")
            for number in range(1, len(parts)):
                self.own.setdefault("/".join(parts[:number]), folder())
            self.own[path.rstrip("/")] = folder()
            if path in self.contents:
                self.own[path] = file(self.contents[path])
        self.owner = dict.fromkeys(self.contents, owner) if owner else {}

    def read(self, path: str) -> bytes:
        return self.contents[path]

    def trim(self, *rules: str, keep: Collection[str] = (), platform: str = "") -> Trimmed:
        return trim(self.own, self.owner, rules or ALL_RULES, self.read, keep, platform)


def removed(
    contents: Mapping[str, str | bytes], *rules: str, owner: str = "pip:example"
) -> set[str]:
    """Return the files that the rules remove."""
    stage = Stage(contents, owner)
    kept = stage.trim(*rules).entries
    return {path for path in stage.contents if path not in kept}


def in_packages(contents: Mapping[str, str | bytes]) -> dict[str, str | bytes]:
    """Return files with their paths below the folder of Python packages."""
    return {f"{PACKAGES}/{path}": content for path, content in contents.items()}


def trim_environment(root: Path) -> Trimmed:
    """Trim a folder of this machine, as if it were /opt/env of an image for linux/amd64."""
    prefix = "opt/env"
    own = {}
    for place, folders, files in os.walk(root):
        for path in (Path(place, name) for name in (*folders, *files)):
            own[f"{prefix}/{path.relative_to(root)}"] = _entry(path)

    def place_of(path: str) -> Path:
        return root / path.removeprefix(f"{prefix}/")

    owner = {f"{prefix}/{path}": name for path, name in _owners(root).items()}
    trimmed = trim(
        own, owner, ALL_RULES, lambda path: place_of(path).read_bytes(), platform="linux/amd64"
    )
    for paths in trimmed.removed.values():
        for name in paths:
            if name.endswith("/"):
                shutil.rmtree(place_of(name))
            else:
                place_of(name).unlink()
    for first, *others in trimmed.linked:
        for other in others:
            place_of(other).unlink()
            place_of(other).hardlink_to(place_of(first))
    return trimmed


def _entry(path: Path) -> Entry:
    if path.is_symlink():
        return Entry(kind="link", mode=0o777, uid=0, gid=0, target=str(path.readlink()))
    if path.is_dir():
        return folder()
    return file(path.read_bytes(), path.stat().st_mode & 0o7777)


def _owners(root: Path) -> dict[str, str]:
    owners = {}
    for record in root.glob("lib/python3*/site-packages/*.dist-info/RECORD"):
        with record.open(encoding="utf-8") as rows:
            for name, *_ in csv.reader(rows):
                path = os.path.normpath(record.parent.parent / name)
                owners[os.path.relpath(path, root)] = f"pip:{record.parent.name.partition('-')[0]}"
    return owners
