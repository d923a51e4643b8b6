"""File systems of images as data: what each path is, and where its bytes are. Pure."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec


class Content(msgspec.Struct, frozen=True):
    """The bytes of a regular file: ``size`` bytes at ``offset`` of the file ``source``.

    ``digest`` is their sha256, in hexadecimal.
    """

    digest: str
    size: int
    source: Path
    offset: int

    def read(self, size: int | None = None) -> bytes:
        """Return the first ``size`` bytes, or all of them."""
        with self.source.open("rb") as file:
            file.seek(self.offset)
            return file.read(self.size if size is None else min(size, self.size))


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A file, folder or symbolic link of a file system.

    ``mode`` are the permission bits, with setuid, setgid and sticky. ``target`` is that of a
    symbolic link, ``content`` that of a file. ``attributes`` are the extended attributes, sorted.
    Hard links to one file have the same ``inode``.
    """

    kind: Literal["file", "folder", "link"]
    mode: int
    uid: int
    gid: int
    target: str = ""
    content: Content | None = None
    attributes: tuple[tuple[str, str], ...] = ()
    inode: int = 0

    def equals(self, other: "Entry | None") -> bool:
        """Return whether a layer that has one of the entries need not have the other."""
        return other is not None and self._properties() == other._properties()

    def _properties(self) -> tuple[object, ...]:
        digest = self.content.digest if self.content else ""
        return (self.kind, self.mode, self.uid, self.gid, self.target, digest, self.attributes)


Tree = Mapping[str, Entry]
"""A file system by path, without a slash at the start: ``usr/bin/env``. The root is not in it."""
