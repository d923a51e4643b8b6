"""The trees of ``orbiter tree`` as JSON, format 1. Pure."""

import msgspec

from orbiter.documents import Document, encode
from orbiter.query.graph import Node
from orbiter.query.tree import Forest, ImageTree


class Requirement(msgspec.Struct, frozen=True, kw_only=True):
    """A required package; ``constraint`` is "" if the lock file does not record it."""

    id: str
    constraint: str


class TreePackage(msgspec.Struct, frozen=True, kw_only=True):
    """A package of a tree; ``requires`` only has packages of the tree."""

    id: str
    manager: str
    name: str
    version: str
    direct: bool
    requires: tuple[Requirement, ...]


class OneTree(msgspec.Struct, frozen=True, kw_only=True):
    """The tree of an image on a platform; ``roots`` are the ids of its first level."""

    image: str
    platform: str
    roots: tuple[str, ...]
    packages: tuple[TreePackage, ...]


class TreeReport(Document, frozen=True, kw_only=True):
    """The result of ``orbiter tree``; ``name`` is "" for whole trees."""

    release: str
    name: str
    inverted: bool
    trees: tuple[OneTree, ...]
    notes: tuple[str, ...]


def render(forest: Forest) -> str:
    """Return the trees of a release as graphs, so that no nesting is too deep for a reader."""
    return encode(
        TreeReport(
            release=forest.release,
            name=forest.name,
            inverted=forest.inverted,
            trees=tuple(map(_tree, forest.trees)),
            notes=forest.notes,
        )
    )


def _tree(tree: ImageTree) -> OneTree:
    graph, nodes = tree.graph, tree.nodes()
    known = frozenset(nodes)
    return OneTree(
        image=graph.image,
        platform=graph.platform,
        roots=tuple(map(_id, tree.roots)),
        packages=tuple(
            TreePackage(
                id=_id(node),
                manager=node.manager,
                name=node.name,
                version=node.version,
                direct=any(request.requirement for request in graph.roots.get(node, ())),
                requires=tuple(
                    Requirement(id=_id(link.node), constraint=link.constraint)
                    for link in graph.links[node]
                    if link.node in known
                ),
            )
            for node in nodes
        ),
    )


def _id(node: Node) -> str:
    return f"{node.manager}:{node.name}@{node.version}"
