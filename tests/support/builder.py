"""Layers for the difference of two file systems, as a builder may write them."""

import posixpath
import tarfile
from random import Random

from tests.support.layer_engine import FOLDER, Node, Root, make_folders, remove
from tests.support.raw_layouts import Member, member, tar

TYPES = {"folder": tarfile.DIRTYPE, "link": tarfile.SYMTYPE, "device": tarfile.CHRTYPE}


def put(root: Root, path: str, node: Node) -> None:
    """Add a path, unless a folder above it is something else."""
    parents = path.split("/")[:-1]
    above = ["/".join(parents[: count + 1]) for count in range(len(parents))]
    if any(root.get(each, FOLDER).kind != "folder" for each in above):
        return
    if node.kind != "folder" or path not in root or root[path].kind != "folder":
        remove(root, path)
    make_folders(root, path)
    root[path] = node


def diff(lower: Root, tree: Root, random: Random, *, in_order: bool = False) -> bytes:
    """Return a layer that makes ``tree`` from ``lower``.

    ``random`` decides which folders are opaque, and the order of the entries unless ``in_order``.
    """
    both = [path for path in tree if _kind(tree, path) == _kind(lower, path) == "folder"]
    opaque = [path for path in sorted(both) if random.random() < 0.2]
    hidden = tuple(f"{each}/" for each in opaque)
    changed = {path for path in tree if _is_changed(path, lower, tree) or path.startswith(hidden)}
    # A file is written with all its hard links.
    changed |= {each for path in changed for each in _partners(tree, path)}
    removed = [
        path
        for path in lower
        if path not in tree
        and not path.startswith(hidden)
        and _kind(tree, posixpath.dirname(path)) == "folder"
    ]
    written = set(changed) | {*opaque}
    for path in [*changed, *opaque, *removed]:
        written |= {*_above(path)}
    markers = [f"{path}/.wh..wh..opq" for path in opaque]
    markers += [
        posixpath.join(posixpath.dirname(p), f".wh.{posixpath.basename(p)}") for p in removed
    ]
    entries = [_file_or_link(path, tree, written) for path in sorted(written)]
    members = [member(path) for path in markers] + entries
    if not in_order:
        random.shuffle(members)
        # A hard link comes after its file in every tar file.
        members.sort(key=lambda each: each[0].islnk())
    return tar(*members)


def _kind(root: Root, path: str) -> str:
    if not path:
        return "folder"
    return root[path].kind if path in root else ""


def _above(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:count]) for count in range(1, len(parts))]


def _partners(root: Root, path: str) -> list[str]:
    return [each for each in root if root[each] is root[path] and root[path].kind == "file"]


def _is_changed(path: str, lower: Root, tree: Root) -> bool:
    if tree[path] != lower.get(path):
        return True
    return _partners(tree, path) != _partners(lower, path)


def _file_or_link(path: str, tree: Root, written: set[str]) -> Member:
    node = tree[path]
    first = min([each for each in _partners(tree, path) if each in written], default=path)
    if first != path:
        return member(path, type=tarfile.LNKTYPE, linkname=first)
    return member(
        path,
        node.content,
        type=TYPES.get(node.kind, tarfile.REGTYPE),
        mode=node.mode,
        uid=node.uid,
        gid=node.gid,
        linkname=node.target,
        pax_headers={f"SCHILY.xattr.{name}": value for name, value in node.attributes.items()},
    )
