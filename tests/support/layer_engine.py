"""File systems made of layers as an engine makes them: one entry after the other.

This follows the specification and containerd, and shares no code with Orbiter.
"""

import io
import posixpath
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

Kind = Literal["file", "folder", "link", "device"]
Root = dict[str, "Node"]


@dataclass(frozen=True)
class Node:
    """What a path is. Hard links to one file are the same object."""

    kind: Kind
    mode: int = 0o644
    uid: int = 0
    gid: int = 0
    content: bytes = b""
    target: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)


FOLDER = Node("folder", 0o755)


def root_of(layers: Iterable[bytes]) -> Root:
    """Return the file system of some uncompressed layers."""
    root: Root = {}
    for layer in layers:
        apply(layer, root)
    return root


def apply(layer: bytes, root: Root) -> None:
    """Apply an uncompressed layer."""
    unpacked: set[str] = set()
    with tarfile.open(
        fileobj=io.BytesIO(layer), encoding="utf-8", errors="surrogateescape"
    ) as archive:
        for info in archive:
            path = posixpath.normpath(info.name)
            parent, name = posixpath.split(path)
            if name == ".wh..wh..opq":
                _empty(root, parent, unpacked)
            elif name.startswith(".wh."):
                remove(root, posixpath.join(parent, name[4:]))
            else:
                _unpack(root, path, info, archive)
                unpacked.add(path)


def remove(root: Root, path: str) -> None:
    """Remove a path with everything below it."""
    for each in [each for each in root if f"{each}/".startswith(f"{path}/")]:
        del root[each]


def make_folders(root: Root, path: str) -> None:
    """Make the folders above a path that are missing."""
    parent = posixpath.dirname(path)
    if parent and parent not in root:
        make_folders(root, parent)
        root[parent] = FOLDER
    assert not parent or root[parent].kind == "folder", f"{parent} is not a folder"


def _empty(root: Root, folder: str, unpacked: set[str]) -> None:
    for path in [path for path in root if path.startswith(f"{folder}/")]:
        if path not in unpacked:
            del root[path]


def _unpack(root: Root, path: str, info: tarfile.TarInfo, archive: tarfile.TarFile) -> None:
    old = root.get(path)
    if old and not (old.kind == "folder" and info.isdir()):
        remove(root, path)
    make_folders(root, path)
    root[path] = root[info.linkname] if info.islnk() else _node(info, archive)


def _node(info: tarfile.TarInfo, archive: tarfile.TarFile) -> Node:
    attributes = {
        name.removeprefix("SCHILY.xattr."): value
        for name, value in info.pax_headers.items()
        if name.startswith("SCHILY.xattr.")
    }
    node = Node("device", info.mode, info.uid, info.gid, attributes=attributes)
    if info.isdir():
        return replace(node, kind="folder")
    if info.issym():
        return replace(node, kind="link", mode=0o777, target=info.linkname)
    if info.isreg():
        file = archive.extractfile(info)
        assert file
        return replace(node, kind="file", content=file.read())
    return node


def linked(root: Root) -> set[frozenset[str]]:
    """Return the groups of paths that are hard links to one file."""
    groups: dict[int, set[str]] = {}
    for path, node in root.items():
        if node.kind == "file":
            groups.setdefault(id(node), set()).add(path)
    return {frozenset(group) for group in groups.values() if len(group) > 1}
