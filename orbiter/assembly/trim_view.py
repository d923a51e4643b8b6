"""The paths that a stage adds, as the rules of trimming see them. Pure."""

import re
from collections.abc import Callable, Mapping

import msgspec

from orbiter.assembly.tree import Entry

NEVER = ("etc/", "home/", "srv/")
"""Folders whose files belong to people, not to packages."""
PACKAGED = ("opt/env/", "usr/")
"""Folders whose files belong to packages, even if nobody knows to which."""
UNPACKAGED = "usr/local/"
LARGEST = 64_000_000
"""The size in bytes up to which files are read."""
LICENCE = re.compile(r"(un)?licen[cs]e|copying|copyright|notice|authors|patents", re.IGNORECASE)
LICENCES = re.compile(r"(^|/)licen[cs]es?/", re.IGNORECASE)

_PYTHON = re.compile(
    r"(?:.*/)?lib/python3(?:\.\d+)?/(?:(?:site|dist)-packages/)?|.*/site-packages/"
)
# Alternatives of Debian packages are links in these folders.
_MANUALS = re.compile(r"usr/share/man(?:/man\d)?")
_NPM = re.compile(r"(?:.*/)?node_modules/(?:@[^/]+/)?[^/]+(?=/)")


class View(msgspec.Struct, frozen=True):
    """The arguments of ``trim``."""

    own: Mapping[str, Entry]
    owner: Mapping[str, str]
    read: Callable[[str], bytes]
    keep: frozenset[str]
    platform: str

    def may_go(self, path: str) -> bool:
        """Return whether a rule may remove a path."""
        if path.startswith(NEVER) or path in self.keep:
            return False
        if is_licence(path) or _MANUALS.fullmatch(path):
            return False
        return path in self.owner or self._is_packaged(path)

    def _is_packaged(self, path: str) -> bool:
        """Return whether a path without a known package is that of a package nevertheless."""
        if not path.startswith(PACKAGED) or path.startswith(UNPACKAGED):
            return False
        return self.keep.isdisjoint(parents(path))

    def is_file(self, path: str) -> bool:
        """Return whether a path is a regular file."""
        return path in self.own and self.own[path].kind == "file"

    def text(self, path: str) -> bytes:
        """Return the content of a file; empty for other paths and for very large files."""
        return self.read(path) if self.is_file(path) and self.size(path) <= LARGEST else b""

    def size(self, path: str) -> int:
        """Return the size of a file in bytes, 0 for other paths."""
        content = self.own[path].content
        return content.size if content else 0


def parents(path: str) -> list[str]:
    """Return the folders above a path, the highest one first."""
    parts = path.split("/")[:-1]
    return ["/".join(parts[: number + 1]) for number in range(len(parts))]


def is_licence(path: str) -> bool:
    """Return whether a file has the terms or the authors of a package."""
    return bool(LICENCE.match(path.rpartition("/")[2]) or LICENCES.search(path))


def split_python(path: str) -> tuple[str, str]:
    """Return the folder that Python imports a path from, and the rest; "" for other paths.

    ``opt/env/lib/python3.13/site-packages/`` is such a folder, as is the one above it.
    """
    match = _PYTHON.match(path)
    folder = match[0] if match else ""
    return folder, path[len(folder) :]


def npm_package(path: str) -> str:
    """Return the folder of the npm package that a path is in, "" for none."""
    # Most paths lack the folder, and the expression tries every folder of a path.
    match = _NPM.match(path) if "node_modules/" in path else None
    return match[0] if match else ""
