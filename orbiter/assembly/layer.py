"""The layers of a stage: tar files with sorted entries, and fixed times and names.

The bytes are part of the assembly format. Equal entries give an equal layer in every image.
"""

import json
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path
from typing import IO

import msgspec

from orbiter.assembly.compression import CHUNK, Sink
from orbiter.assembly.file_system import parents
from orbiter.assembly.raw_layer import WHITEOUT, XATTR
from orbiter.assembly.tree import Content, Entry, Tree

BLOCK = 512
"""Bytes of a block of a tar file."""
END = bytes(2 * BLOCK)


class LayerEntry(msgspec.Struct, frozen=True):
    """An entry of a layer. ``hard_link`` is the path of an earlier entry with the same file."""

    path: str
    entry: Entry
    hard_link: str = ""


def layer_entries(paths: Iterable[str], own: Tree, tree: Tree) -> tuple[LayerEntry, ...]:
    """Return the entries of a layer: some paths that a stage adds, and all folders above them.

    ``tree`` is the complete file system, in which every folder has its owner and mode. The paths
    are sorted part by part, so a folder comes before its content.
    """
    found: dict[str, Entry] = {}
    for path in paths:
        found[path] = own[path]
        for folder in parents(path):
            # The folders above a known folder are known, and "" is not in a layer.
            if not folder or folder in found:
                break
            found[folder] = tree[folder]
    first: dict[int, str] = {}
    entries = []
    for path in sorted(found, key=lambda path: path.split("/")):
        entry = found[path]
        linked = first.setdefault(entry.inode, path) if _has_links(entry) else path
        entries.append(LayerEntry(path, entry, "" if linked == path else linked))
    return tuple(entries)


def removal_entries(removed: Iterable[str], tree: Tree) -> tuple[LayerEntry, ...]:
    """Return the entries of a layer that removes paths of lower layers."""
    marker = Entry(kind="file", mode=0, uid=0, gid=0)
    markers = {}
    for path in removed:
        folder, slash, name = path.rpartition("/")
        markers[f"{folder}{slash}{WHITEOUT}{name}"] = marker
    return layer_entries(markers, markers, tree)


def _has_links(entry: Entry) -> bool:
    return entry.kind == "file" and entry.inode != 0


def layer_key(entries: Iterable[LayerEntry], time: int) -> str:
    """Return a hash of everything that determines the bytes of a layer."""
    hasher = sha256(f"{time}\n".encode())
    for each in entries:
        hasher.update(json.dumps(_facts(each)).encode() + b"\n")
    return hasher.hexdigest()


def _facts(each: LayerEntry) -> list[object]:
    entry, link = each.entry, each.hard_link or each.entry.target
    content = [entry.content.digest, entry.content.size] if entry.content else []
    attributes = [list(pair) for pair in entry.attributes]
    kind = "hard link" if each.hard_link else entry.kind
    return [each.path, kind, entry.mode, entry.uid, entry.gid, link, content, attributes]


def write_layer(entries: Iterable[LayerEntry], time: int, target: Sink) -> None:
    """Write a layer as a tar file in the pax format; ``time`` is that of every entry."""
    with ExitStack() as stack:
        sources: dict[Path, IO[bytes]] = {}
        for each in entries:
            target.write(_header(each, time))
            content = each.entry.content
            if content and not each.hard_link:
                if content.source not in sources:
                    sources[content.source] = stack.enter_context(content.source.open("rb"))
                for chunk in _chunks(content, sources[content.source]):
                    target.write(chunk)
                target.write(bytes(-content.size % BLOCK))
        target.write(END)


def _chunks(content: Content, file: IO[bytes]) -> Iterator[bytes]:
    file.seek(content.offset)
    remaining = content.size
    while remaining:
        chunk = file.read(min(CHUNK, remaining))
        if not chunk:
            raise EOFError(f"{content.source} became shorter while it was read")
        remaining -= len(chunk)
        yield chunk


def _header(each: LayerEntry, time: int) -> bytes:
    entry = each.entry
    info = tarfile.TarInfo(each.path)
    info.mode, info.uid, info.gid, info.mtime = entry.mode, entry.uid, entry.gid, time
    if each.hard_link:
        info.type, info.linkname = tarfile.LNKTYPE, each.hard_link
    elif entry.kind == "folder":
        info.type = tarfile.DIRTYPE
    elif entry.kind == "link":
        info.type, info.linkname = tarfile.SYMTYPE, entry.target
    else:
        info.size = entry.content.size if entry.content else 0
    if not each.hard_link:
        info.pax_headers = _attributes(entry.attributes)
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


def _attributes(attributes: Iterable[tuple[str, str]]) -> Mapping[str, str]:
    return {f"{XATTR}{name}": value for name, value in attributes}
