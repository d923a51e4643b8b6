"""Layers as BuildKit or a registry has them: tar files, whose entries change a file system.

Format: https://github.com/opencontainers/image-spec/blob/main/layer.md
"""

import hashlib
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

import msgspec

from orbiter.assembly.decompression import decompressed, is_compressed
from orbiter.assembly.tree import Content, Entry
from orbiter.threads import raise_if_stopped
from resolvers.errors import ExpectedError
from resolvers.types.tar_entry import CheckedTarInfo

CHUNK = 1 << 17
"""Bytes that are read at once; larger buffers cost new pages of memory each time."""
WHITEOUT = ".wh."
"""Prefix of a file that removes another one."""
OPAQUE = ".wh..wh..opq"
"""A file that hides the content of its folder in lower layers."""
XATTR = "SCHILY.xattr."
"""Prefix of extended attributes in a tar file."""
PERMISSIONS = 0o7777


class RawLayer(msgspec.Struct, frozen=True):
    """The entries of a layer by path, and the paths that it removes from lower layers.

    ``opaque`` are folders whose lower content is hidden. ``hard_links`` maps paths to the path of
    an earlier file. ``dropped`` are devices, pipes and sockets.
    """

    entries: Mapping[str, Entry]
    hard_links: Mapping[str, str]
    removed: frozenset[str]
    opaque: frozenset[str]
    dropped: frozenset[str]


def uncompressed(blob: Path, scratch: Path) -> Path:
    """Return the tar file of a layer; a compressed one is written to ``scratch``."""
    target = scratch / f"{blob.name}.tar"
    with blob.open("rb") as file:
        if not is_compressed(file):
            return blob
        if not target.exists():
            partial = target.with_suffix(".part")
            with decompressed(file) as content, partial.open("wb") as output:
                while chunk := content.read(CHUNK):
                    raise_if_stopped()
                    output.write(chunk)
            partial.replace(target)
    return target


def read_layer(tar: Path) -> RawLayer:
    """Read an uncompressed layer. Raises ExpectedError if it is not a tar file."""
    entries: dict[str, Entry] = {}
    hard_links: dict[str, str] = {}
    removed, opaque, dropped = set(), set(), set()
    try:
        with tar.open("rb") as file:
            for member in _members(tar):
                path = _path(member.name)
                folder, _, name = path.rpartition("/")
                if name == OPAQUE:
                    opaque.add(folder)
                elif name.startswith(WHITEOUT):
                    removed.add(f"{folder}/{name.removeprefix(WHITEOUT)}".lstrip("/"))
                elif path and member.islnk():
                    hard_links[path] = _path(member.linkname)
                elif path and (entry := _entry(member, tar, file)):
                    entries[path] = entry
                elif path:
                    dropped.add(path)
    except (tarfile.TarError, ValueError) as error:
        raise ExpectedError(
            f"a layer of the build cannot be read: {error}", "build again with --no-cache"
        ) from error
    return RawLayer(entries, hard_links, frozenset(removed), frozenset(opaque), frozenset(dropped))


def _members(tar: Path) -> Iterator[tarfile.TarInfo]:
    # Paths need not be UTF-8; surrogates stand for the other bytes.
    with tarfile.open(
        tar, "r:", tarinfo=CheckedTarInfo, encoding="utf-8", errors="surrogateescape"
    ) as archive:
        yield from archive
        end = archive.offset
    # The module tarfile takes a broken header for the end of the file.
    with tar.open("rb") as file:
        file.seek(end)
        if any(file.read(tarfile.BLOCKSIZE)):
            raise tarfile.ReadError(f"the header at byte {end} is broken")


def _path(name: str) -> str:
    """Return a path as in a tree; empty for the root itself."""
    return "/".join(part for part in name.split("/") if part not in {"", "."})


def _entry(member: tarfile.TarInfo, tar: Path, file: IO[bytes]) -> Entry | None:
    """Return the entry of a file, folder or symbolic link; None for devices and pipes."""
    attributes = sorted(
        (key.removeprefix(XATTR), value)
        for key, value in member.pax_headers.items()
        if key.startswith(XATTR)
    )
    mode, kind, content = member.mode & PERMISSIONS, "file", None
    if member.isdir():
        kind = "folder"
    elif member.issym():
        # Kernels ignore the permissions of links, and drivers report different ones.
        kind, mode = "link", 0o777
    elif member.isreg():
        content = _content(member, tar, file)
    else:
        return None
    return Entry(
        kind=kind,  # type: ignore[arg-type] # one of three words
        mode=mode,
        uid=member.uid,
        gid=member.gid,
        target=member.linkname if member.issym() else "",
        content=content,
        attributes=tuple(attributes),
    )


def _content(member: tarfile.TarInfo, tar: Path, file: IO[bytes]) -> Content:
    hasher = hashlib.sha256()
    file.seek(member.offset_data)
    remaining = member.size
    while remaining and (chunk := file.read(min(CHUNK, remaining))):
        hasher.update(chunk)
        remaining -= len(chunk)
    return Content(hasher.hexdigest(), member.size, tar, member.offset_data)
