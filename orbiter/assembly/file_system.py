"""File systems from layers. Pure."""

from collections.abc import Collection, Iterable, Iterator

import msgspec

from orbiter.assembly.raw_layer import RawLayer
from orbiter.assembly.tree import Entry, Tree


class FileSystem:
    """A file system to which layers are applied, the lowest first."""

    def __init__(self, tree: Tree | None = None) -> None:
        self.tree: dict[str, Entry] = dict(tree or {})
        self._links = max((entry.inode for entry in self.tree.values()), default=0)
        self._above: set[str] = set()
        self._add_above(self.tree)

    def apply(self, layer: RawLayer) -> None:
        """Apply a layer: first what it removes, then its entries."""
        replaced = {path for path, entry in layer.entries.items() if entry.kind != "folder"}
        replaced.update(layer.hard_links, layer.dropped)
        self._remove(layer.removed | replaced, layer.opaque)
        self.tree.update(layer.entries)
        self._add_above(layer.entries)
        self._add_above(layer.hard_links)
        for path, target in layer.hard_links.items():
            self._link(path, target)

    def _add_above(self, paths: Iterable[str]) -> None:
        """Add the folders above some paths to those that may have content."""
        for path in paths:
            for folder in parents(path):
                if folder in self._above:
                    break
                self._above.add(folder)

    def _remove(self, removed: Collection[str], opaque: Collection[str]) -> None:
        """Remove paths with everything below them, and what is below opaque folders."""
        for path in removed:
            self.tree.pop(path, None)
        # Searching the whole tree is slow, and most removed paths have nothing below them.
        folders = self._above.intersection((*removed, *opaque))
        if not folders:
            return
        gone = [path for path in self.tree if any(up in folders for up in parents(path))]
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
