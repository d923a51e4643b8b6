"""Requirement chains: why a package is part of a lock."""

from collections.abc import Iterable, Iterator, Mapping

from orbiter.lockfiles.types import PackageEntry

PackageName = tuple[str, str]
"""Manager and name."""

Node = tuple[str, str]
"""Manager, and the id of a copy; the id is the name if the lock does not list copies."""

Parents = Mapping[Node, Node | None]
"""The node that requires a node, on a shortest path; None for a direct requirement."""

Graph = Mapping[Node, set[str]]
"""The ids that each node requires."""


class RequirementChains:
    """Chains within the packages of a scope; the search runs once per scope."""

    def __init__(self) -> None:
        # The packages are stored as well: an id is unique only while its object exists.
        self._known: dict[int, tuple[tuple[PackageEntry, ...], Parents, Mapping[Node, str]]] = {}

    def chain(
        self, packages: tuple[PackageEntry, ...], targets: Iterable[PackageEntry]
    ) -> tuple[str, ...]:
        """Return the names from a direct requirement to one of the targets; () without a chain.

        It is the shortest chain, and the first by name of several.
        """
        if id(packages) not in self._known:
            known = {node: package.name for package in packages for node in _nodes(package)}
            self._known[id(packages)] = (packages, _find_parents(packages), known)
        _, parents, names = self._known[id(packages)]
        nodes = {node for target in targets for node in _nodes(target)}
        chains = (_names_to(node, parents, names) for node in nodes)
        return min(filter(None, chains), key=lambda chain: (len(chain), chain), default=())


def _names_to(node: Node, parents: Parents, names: Mapping[Node, str]) -> tuple[str, ...]:
    found: list[str] = []
    current: Node | None = node
    while current and current in parents:
        found.append(names[current])
        current = parents[current]
    return tuple(reversed(found))


def _nodes(package: PackageEntry) -> Iterator[Node]:
    if not package.copies:
        yield package.manager, package.name
    for copy in package.copies:
        yield package.manager, copy.id


def _graph(packages: tuple[PackageEntry, ...]) -> Graph:
    requires: dict[Node, set[str]] = {}
    for package in packages:
        if not package.copies:
            requires.setdefault((package.manager, package.name), set()).update(package.requires)
        for copy in package.copies:
            requires[package.manager, copy.id] = set(copy.requires)
    return requires


def _find_parents(packages: tuple[PackageEntry, ...]) -> Parents:
    """Search from the direct requirements, breadth first."""
    requires = _graph(packages)
    managers = {name: manager for manager, name in sorted(requires, reverse=True)}
    level = sorted(_roots(packages, requires))
    parents: dict[Node, Node | None] = dict.fromkeys(level)
    while level:
        next_level = []
        for parent in level:
            for name in requires[parent]:
                required = (parent[0], name)
                if required not in requires:
                    # A package of conda may be required by one of pip, for example.
                    required = (managers.get(name, ""), name)
                if required in requires and required not in parents:
                    parents[required] = parent
                    next_level.append(required)
        # Sort, so that the result does not depend on the order of the lock or of a set.
        level = sorted(next_level)
    return parents


def _roots(packages: tuple[PackageEntry, ...], requires: Graph) -> set[Node]:
    """Return the direct requirements.

    If the lock of a manager does not record them, they are the packages that no other requires.
    """
    recorded = {package.manager for package in packages if package.direct is not None}
    required = {name for parent, names in requires.items() for name in names if name != parent[1]}
    linked = {manager for (manager, _), names in requires.items() if names}
    guessed = linked - recorded
    return {
        node
        for package in packages
        for node, is_direct in _directness(package)
        if is_direct or (package.manager in guessed and node[1] not in required)
    }


def _directness(package: PackageEntry) -> Iterator[tuple[Node, bool]]:
    """Yield each node of a package, and whether it is known to be direct."""
    if not package.copies:
        yield (package.manager, package.name), bool(package.direct)
    for copy in package.copies:
        yield (package.manager, copy.id), bool(copy.direct)
