"""File systems from layers. Pure."""

from collections.abc import Collection, Iterator

import msgspec

from orbiter.assembly.raw_layer import RawLayer
from orbiter.assembly.tree import Entry, Tree


class FileSystem:
    """A file system to which layers are applied, the lowest first."""

    def __init__(self, tree: Tree | None = None) -> None:
        self.tree: dict[str, Entry] = dict(tree or {})
        self._links = max((entry.inode for entry in self.tree.values()), default=0)

    def apply(self, layer: RawLayer) -> None:
        """Apply a layer: first what it removes, then its entries."""
        replaced = {path for path, entry in layer.entries.items() if entry.kind != "folder"}
        replaced.update(layer.hard_links, layer.dropped)
        self._remove(layer.removed | replaced, layer.opaque)
        self.tree.update(layer.entries)
        for path, target in layer.hard_links.items():
            self._link(path, target)

    def _remove(self, removed: Collection[str], opaque: Collection[str]) -> None:
        """Remove paths with everything below them, and what is below opaque folders."""
        if not removed and not opaque:
            return
        gone = [
            path
            for path in self.tree
            if path in removed or any(up in removed or up in opaque for up in parents(path))
        ]
        for path in gone:
            del self.tree[path]

    def _link(self, path: str, target: str) -> None:
        """Add a hard link to an earlier file; one to a dropped device is dropped too."""
        entry = self.tree.get(target)
        if entry is None:
            return
        if entry.kind == "file" and not entry.inode:
            self._links += 1
            entry = msgspec.structs.replace(entry, inode=self._links)
            self.tree[target] = entry
        self.tree[path] = entry


def parents(path: str) -> Iterator[str]:
    """Yield the folders above a path, the nearest first, and "" for the root."""
    while path:
        path = path.rpartition("/")[0]
        yield path
