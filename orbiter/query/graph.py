"""The packages of one image on one platform, with the requirements between them."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import msgspec

from orbiter.config.image_set import Stage
from orbiter.config.requirements import locked_name
from orbiter.config.stage_graph import ancestors
from orbiter.lockfiles.pip_files import normalise
from orbiter.lockfiles.types import PackageEntry, Scope
from orbiter.lockset.model import LockSet
from orbiter.lockset.requirements import locked_requirements
from orbiter.query.packages import Selection, selected_packages, unknown_package
from resolvers.managers import MANAGERS
from resolvers.types.packages import LockedRequirement, LockedRequirements


class Node(NamedTuple):
    """A package. npm installs several versions of a name."""

    manager: str
    name: str
    version: str


class Link(NamedTuple):
    """A requirement for a package; the constraint is "" if the lock file does not record it."""

    node: Node
    constraint: str


class RootReason(NamedTuple):
    """The reason for a package that no other one requires.

    ``stage`` requests it by ``requirement``. Without a requirement, it is a part of the base, or
    the lock file does not record the reason.
    """

    stage: str
    requirement: str


class PackageGraph(msgspec.Struct, frozen=True, kw_only=True):
    """The packages of an image, all sorted.

    Every package follows from one of the ``roots``, which have the reasons for them.
    """

    image: str
    platform: str
    entries: Mapping[Node, PackageEntry]
    links: Mapping[Node, tuple[Link, ...]]
    roots: Mapping[Node, tuple[RootReason, ...]]

    def reversed_links(self) -> dict[Node, tuple[Link, ...]]:
        """Return who requires each package; the constraint is that of the requirement."""
        found: dict[Node, list[Link]] = {node: [] for node in self.entries}
        for parent, links in self.links.items():
            for link in links:
                found[link.node].append(Link(parent, link.constraint))
        return {node: tuple(sorted(links)) for node, links in found.items()}

    def named(self, name: str) -> tuple[Node, ...]:
        """Return the packages with a name, whatever the spelling."""
        wanted = normalise(name)
        return tuple(node for node in self.entries if normalise(node.name) == wanted)


def package_graphs(lock_set: LockSet, selection: Selection) -> tuple[PackageGraph, ...]:
    """Return the graph of each selected image and platform.

    The managers of the selection only limit the packages that a command is about, because packages
    of one manager may require those of another one.
    """
    everything = msgspec.structs.replace(selection, managers=())
    reader = _Reader(lock_set)
    found = selected_packages(lock_set, everything)
    return tuple(reader.graph(scope, entries) for scope, entries in found.items())


def check_name(
    lock_set: LockSet, graphs: Iterable[PackageGraph], name: str, selection: Selection
) -> None:
    """Raise ExpectedError if no image has a package with this name."""
    nodes = [node for graph in graphs for node in graph.entries if is_selected(node, selection)]
    if not any(normalise(node.name) == normalise(name) for node in nodes):
        raise unknown_package(name, {node.name for node in nodes}, lock_set, selection)


def is_selected(node: Node, selection: Selection) -> bool:
    """Return whether a package is of one of the selected managers."""
    return not selection.managers or node.manager in selection.managers


class _Reader:
    """Reads the requirements of each lock file and platform once."""

    def __init__(self, lock_set: LockSet) -> None:
        self._lock_set = lock_set
        self._stages = {stage.name: stage for stage in lock_set.image_set.stages}
        self._known: dict[tuple[str, str, str], LockedRequirements] = {}

    def graph(self, scope: Scope, entries: tuple[PackageEntry, ...]) -> PackageGraph:
        """Return the graph of one image on one platform."""
        stage = self._stages[scope.environment]
        nodes = {Node(each.manager, each.name, each.version): each for each in entries}
        ordered = {node: nodes[node] for node in sorted(nodes)}
        by_name: dict[tuple[str, str], list[Node]] = {}
        for node in ordered:
            by_name.setdefault((node.manager, node.name), []).append(node)
        links = {
            node: tuple(sorted(set(self._links(node, entry, stage, scope.platform, by_name))))
            for node, entry in ordered.items()
        }
        return PackageGraph(
            image=scope.environment,
            platform=scope.platform,
            entries=ordered,
            links=links,
            roots=self._roots(stage, ordered, links),
        )

    def _links(
        self,
        node: Node,
        entry: PackageEntry,
        stage: Stage,
        platform: str,
        by_name: Mapping[tuple[str, str], list[Node]],
    ) -> Iterator[Link]:
        known = self._requirements(stage.builder, node.manager, platform)
        written = known.get((node.name, node.version))
        if written is None:
            written = tuple(map(LockedRequirement, entry.requires))
        for required in written:
            candidates = by_name.get((node.manager, required.name), ())
            if not candidates and node.manager == "pip":
                # pip does not install what conda already has.
                candidates = by_name.get(("conda", required.name), ())
            for candidate in candidates:
                if required.version in {"", candidate.version}:
                    yield Link(candidate, required.constraint)

    def _requirements(self, builder: str, manager: str, platform: str) -> LockedRequirements:
        key = builder, manager, platform
        if key not in self._known:
            self._known[key] = locked_requirements(self._lock_set, *key)
        return self._known[key]

    def _roots(
        self,
        stage: Stage,
        entries: Mapping[Node, PackageEntry],
        links: Mapping[Node, tuple[Link, ...]],
    ) -> dict[Node, tuple[RootReason, ...]]:
        requests = self._requests(stage)
        roots: dict[Node, tuple[RootReason, ...]] = {}
        for node in entries:
            found = requests.get((node.manager, node.name), [])
            if found and entries[node].direct:
                roots[node] = tuple(found)
        for node in unexplained(roots, entries, links):
            roots[node] = (RootReason(next(iter(entries[node].groups), ""), ""),)
        return {node: roots[node] for node in sorted(roots)}

    def _requests(self, stage: Stage) -> dict[tuple[str, str], list[RootReason]]:
        """Return the requirements of a stage and of those that it starts from, by package."""
        found: dict[tuple[str, str], list[RootReason]] = {}
        for manager in MANAGERS:
            for name in (stage.name, *ancestors(self._lock_set.image_set, stage, manager)):
                for requirement in self._stages[name].requirements.get(manager, ()):
                    key = manager, locked_name(manager, requirement)
                    found.setdefault(key, []).append(RootReason(name, requirement))
        return found


def unexplained(
    roots: Iterable[Node],
    entries: Iterable[Node],
    links: Mapping[Node, tuple[Link, ...]],
) -> Iterator[Node]:
    """Yield packages that lead to all that do not follow from the roots.

    Packages that others require come last, so that they are only part of it in a circle.
    """
    reached = _reach(roots, links, set())
    rest = [node for node in entries if node not in reached]
    required = {link.node for node in rest for link in links[node] if link.node != node}
    for node in sorted(rest, key=lambda node: (node in required, node)):
        if node not in reached:
            _reach([node], links, reached)
            yield node


def _reach(
    start: Iterable[Node], links: Mapping[Node, tuple[Link, ...]], reached: set[Node]
) -> set[Node]:
    """Add all packages that follow from some to ``reached``, and return it."""
    queue = list(start)
    while queue:
        node = queue.pop()
        if node not in reached:
            reached.add(node)
            queue += (link.node for link in links[node])
    return reached
