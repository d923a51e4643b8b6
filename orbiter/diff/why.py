"""Requirement chains: why a package is part of a lock."""

from collections.abc import Mapping

from orbiter.lockfiles.types import PackageEntry

PackageName = tuple[str, str]
"""Manager and name."""

Parents = Mapping[PackageName, PackageName | None]
"""The package that requires a package, on a shortest path; None for a direct requirement."""


class RequirementChains:
    """Chains within the packages of a scope; the search runs once per scope."""

    def __init__(self) -> None:
        # The packages are stored as well: an id is unique only while its object exists.
        self._known: dict[int, tuple[tuple[PackageEntry, ...], Parents]] = {}

    def chain(self, packages: tuple[PackageEntry, ...], package: PackageName) -> tuple[str, ...]:
        """Return the names from a direct requirement to a package; () if there is no chain."""
        if id(packages) not in self._known:
            self._known[id(packages)] = (packages, _find_parents(packages))
        parents = self._known[id(packages)][1]
        names: list[str] = []
        current: PackageName | None = package
        while current and current in parents:
            names.append(current[1])
            current = parents[current]
        return tuple(reversed(names))


def _find_parents(packages: tuple[PackageEntry, ...]) -> Parents:
    """Search from the direct requirements, breadth first."""
    requires: dict[PackageName, set[str]] = {}
    for package in packages:
        requires.setdefault((package.manager, package.name), set()).update(package.requires)
    managers = {name: manager for manager, name in sorted(requires, reverse=True)}
    level = sorted(_roots(packages, requires))
    parents: dict[PackageName, PackageName | None] = dict.fromkeys(level)
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


def _roots(
    packages: tuple[PackageEntry, ...], requires: Mapping[PackageName, set[str]]
) -> set[PackageName]:
    """Return the direct requirements.

    If the lock of a manager does not record them, they are the packages that no other requires.
    """
    recorded = {package.manager for package in packages if package.direct is not None}
    required = {name for parent, names in requires.items() for name in names if name != parent[1]}
    linked = {manager for (manager, _), names in requires.items() if names}
    guessed = linked - recorded
    return {
        (package.manager, package.name)
        for package in packages
        if package.direct or (package.manager in guessed and package.name not in required)
    }
