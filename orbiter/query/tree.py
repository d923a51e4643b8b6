"""The tree of requirements of each image: ``orbiter tree``."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import msgspec

from orbiter.lockset.model import LockSet
from orbiter.query.graph import (
    Link,
    Node,
    PackageGraph,
    check_name,
    is_selected,
    package_graphs,
    unexplained,
)
from orbiter.query.packages import Selection, listed_parent, uncovered

DRAWN = 12
"""Levels whose lines are drawn. Without a limit, deep trees would need quadratic time."""


class TreeLine(NamedTuple):
    """A line of a tree.

    ``depth`` is its level. ``last`` says for the innermost levels, at most DRAWN, whether the
    package is the last one there. ``repeated`` says that the packages below it were shown before.
    """

    node: Node
    constraint: str
    depth: int
    last: tuple[bool, ...]
    repeated: bool


class ImageTree(msgspec.Struct, frozen=True, kw_only=True):
    """The tree of an image: packages below others require them, or are required if inverted.

    ``depth`` is the number of levels below the roots, None for all. ``inherited`` are the roots of
    the image's parent, whose tree is shown, too.
    """

    graph: PackageGraph
    roots: tuple[Node, ...]
    links: Mapping[Node, tuple[Link, ...]]
    depth: int | None
    inherited: frozenset[Node] = frozenset()

    def lines(self) -> Iterator[TreeLine]:
        """Yield the lines without inherited roots; those below each package only once."""
        shown: set[Node] = set()
        pending: list[tuple[Link, int, tuple[bool, ...]]] = []
        roots = [node for node in self.roots if node not in self.inherited]
        pending += ((Link(node, ""), 0, ()) for node in reversed(roots))
        while pending:
            (node, constraint), depth, last = pending.pop()
            below = self.links[node]
            is_cut = self.depth is not None and depth >= self.depth
            yield TreeLine(node, constraint, depth, last, bool(below) and node in shown)
            if node in shown or is_cut:
                continue
            shown.add(node)
            for number, link in enumerate(reversed(below)):
                lines = (*last[1 - DRAWN :], number == 0)
                pending.append((link, depth + 1, lines))

    def nodes(self) -> tuple[Node, ...]:
        """Return all packages of the tree, sorted."""
        found = dict.fromkeys(self.roots)
        level, depth = list(found), 0
        while level and depth != self.depth:
            below = {link.node: None for node in level for link in self.links[node]}
            level = [node for node in below if node not in found]
            found.update(dict.fromkeys(level))
            depth += 1
        return tuple(sorted(found))


class Forest(msgspec.Struct, frozen=True, kw_only=True):
    """The trees of a release; ``notes`` list what no lock file lists."""

    release: str
    name: str
    inverted: bool
    trees: tuple[ImageTree, ...]
    notes: tuple[str, ...] = ()


def forest(
    lock_set: LockSet,
    selection: Selection,
    *,
    name: str = "",
    inverted: bool = False,
    depth: int | None = None,
) -> Forest:
    """Return the trees of the selected images, or only the part at the package ``name``.

    Inverted, packages are above those that they require. Raises ExpectedError for an unknown name.
    """
    graphs = package_graphs(lock_set, selection)
    if name:
        check_name(lock_set, graphs, name, selection)
    trees = []
    for graph in graphs:
        links = graph.reversed_links() if inverted else graph.links
        roots = tuple(node for node in _roots(graph, name, links) if is_selected(node, selection))
        if roots:
            inherited = frozenset() if name or inverted else _inherited(lock_set, graph, graphs)
            trees.append(
                ImageTree(graph=graph, roots=roots, links=links, depth=depth, inherited=inherited)
            )
    return Forest(
        release=lock_set.manifest.release,
        name=name,
        inverted=inverted,
        trees=tuple(trees),
        notes=uncovered(lock_set, selection),
    )


def _inherited(
    lock_set: LockSet, graph: PackageGraph, graphs: tuple[PackageGraph, ...]
) -> frozenset[Node]:
    """Return the roots of the nearest shown image that an image starts from."""
    stages = {stage.name: stage for stage in lock_set.image_set.stages}
    shown = {each.image: each for each in graphs if each.platform == graph.platform}
    parent = listed_parent(lock_set.image_set, stages[graph.image], shown)
    return frozenset(shown[parent].roots) if parent else frozenset()


def _roots(
    graph: PackageGraph, name: str, links: Mapping[Node, tuple[Link, ...]]
) -> tuple[Node, ...]:
    if name:
        return graph.named(name)
    if links is graph.links:
        return tuple(graph.roots)
    leaves = tuple(node for node in graph.entries if not graph.links[node])
    return (*leaves, *unexplained(leaves, graph.entries, links))  # no leaf is part of a circle
