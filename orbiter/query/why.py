"""The reasons for a package: ``orbiter why``."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from orbiter.config.places import Place, Places, requirement_places
from orbiter.documents import Document
from orbiter.lockset.model import LockSet
from orbiter.query.graph import (
    Link,
    Node,
    PackageGraph,
    RootReason,
    check_name,
    is_selected,
    package_graphs,
)
from orbiter.query.packages import Selection, uncovered


class ChainLink(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """A package of a chain; ``constraint`` is that of the previous package, "" if unknown."""

    manager: str
    name: str
    version: str
    constraint: str


class Chain(msgspec.Struct, frozen=True, kw_only=True):
    """The shortest chain from a direct requirement to the package.

    ``stage`` requests the first link by ``requirement``. Without a requirement, the first link is a
    part of the base, or the lock file does not record the reason for it. ``key`` and ``line`` are
    the place in images.toml; they are "" and 0 if it describes another release.
    """

    requirement: str
    stage: str
    key: str
    line: int
    links: tuple[ChainLink, ...]


class Where(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """An image and its platforms."""

    image: str
    platforms: tuple[str, ...]


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """The chains to one version of a package, which are the same in several images."""

    manager: str
    name: str
    version: str
    images: tuple[Where, ...]
    chains: tuple[Chain, ...]


class Reasons(Document, frozen=True, kw_only=True):
    """The reasons for all packages with a name; ``notes`` list what no lock file lists."""

    release: str
    name: str
    packages: tuple[Reason, ...]
    notes: tuple[str, ...] = ()


def reasons(lock_set: LockSet, name: str, selection: Selection, images: Path) -> Reasons:
    """Return the reasons for the packages with a name, whatever the spelling, of any manager.

    ``images`` is the path of images.toml. Raises ExpectedError for an unknown name.
    """
    release = lock_set.manifest.release
    graphs = package_graphs(lock_set, selection)
    check_name(lock_set, graphs, name, selection)
    places = requirement_places(images, release)
    found: dict[tuple[Node, tuple[Chain, ...]], dict[str, list[str]]] = {}
    for graph in graphs:
        parents = graph.reversed_links()
        for node in graph.named(name):
            if is_selected(node, selection):
                chains = tuple(_chains(graph, node, parents, places))
                where = found.setdefault((node, chains), {})
                where.setdefault(graph.image, []).append(graph.platform)
    return Reasons(
        release=release,
        name=name,
        packages=tuple(
            Reason(
                manager=node.manager,
                name=node.name,
                version=node.version,
                images=tuple(
                    Where(image=image, platforms=tuple(found[node, chains][image]))
                    for image in found[node, chains]
                ),
                chains=chains,
            )
            for node, chains in sorted(found, key=lambda key: key[0])
        ),
        notes=uncovered(lock_set, selection),
    )


def _chains(
    graph: PackageGraph, node: Node, parents: Mapping[Node, tuple[Link, ...]], places: Places
) -> Iterator[Chain]:
    """Yield the shortest chain from each direct requirement that has no other one in between."""
    following = _following(graph, node, parents)
    lengths = {root: _path(root, following) for root in following if root in graph.roots}
    for root in sorted(lengths, key=lambda root: (len(lengths[root]), root)):
        links = tuple(
            ChainLink(
                manager=each.node.manager,
                name=each.node.name,
                version=each.node.version,
                constraint=each.constraint,
            )
            for each in lengths[root]
        )
        for request in graph.roots[root]:
            yield _chain(request, root, links, places)


def _chain(request: RootReason, root: Node, links: tuple[ChainLink, ...], places: Places) -> Chain:
    key = request.stage, root.manager, request.requirement
    place = places.get(key, Place())
    return Chain(
        requirement=request.requirement,
        stage=request.stage,
        key=place.key,
        line=place.line,
        links=links,
    )


def _following(
    graph: PackageGraph, node: Node, parents: Mapping[Node, tuple[Link, ...]]
) -> dict[Node, Link | None]:
    """Return the next link of each package on its shortest path to ``node``, breadth first.

    The search ends at direct requirements: how else they are required does not matter.
    """
    following: dict[Node, Link | None] = {node: None}
    level = [node]
    while level:
        next_level = []
        for required in level:
            if required in graph.roots and required != node:
                continue
            for parent, constraint in parents[required]:
                if parent not in following:
                    following[parent] = Link(required, constraint)
                    next_level.append(parent)
        level = sorted(next_level)
    return following


def _path(root: Node, following: Mapping[Node, Link | None]) -> tuple[Link, ...]:
    """Return the links from a direct requirement to the package, both included."""
    path = [Link(root, "")]
    while link := following[path[-1].node]:
        path.append(link)
    return tuple(path)
