"""Importance of a package in a lock that does not record requests: how many others need it."""

from orbiter.diff.requirement_chains import PackageName
from orbiter.lockfiles.types import PackageEntry

RUNTIMES = frozenset({"julia", "nodejs", "openjdk", "pypy", "python", "python3", "r-base"})
"""Packages that run the others; their version decides what else can be installed."""

MAX_TRANSITIVE = 5_000
"""Packages of a scope up to which indirect dependents are counted; time grows with the square."""


class Dependents:
    """The number of packages that need a package; counted once per scope."""

    def __init__(self) -> None:
        # The packages are stored as well: an id is unique only while its object exists.
        self._known: dict[int, tuple[tuple[PackageEntry, ...], dict[PackageName, int]]] = {}

    def count(self, packages: tuple[PackageEntry, ...], package: PackageName) -> int:
        """Return how many of the packages require a package, directly or not."""
        if id(packages) not in self._known:
            self._known[id(packages)] = (packages, _count_all(packages))
        return self._known[id(packages)][1].get(package, 0)


def _count_all(packages: tuple[PackageEntry, ...]) -> dict[PackageName, int]:
    """Count the dependents of each package; each set of dependents is the bits of a number."""
    names = list(dict.fromkeys((package.manager, package.name) for package in packages))
    numbers = {name: number for number, name in enumerate(names)}
    parents: list[set[int]] = [set() for _ in names]
    for package in packages:
        parent = numbers[package.manager, package.name]
        for required in package.requires:
            number = numbers.get((package.manager, required))
            if number is not None and number != parent:
                parents[number].add(parent)
    if len(names) > MAX_TRANSITIVE:
        return {name: len(parents[number]) for name, number in numbers.items()}
    dependents = _transitive(parents)
    return {
        name: (dependents[number] & ~(1 << number)).bit_count() for name, number in numbers.items()
    }


def _transitive(parents: list[set[int]]) -> list[int]:
    """Return all direct and indirect parents of each number; packages may require each other."""
    found = [sum(1 << parent for parent in direct) for direct in parents]
    order = sorted(range(len(parents)), key=lambda number: len(parents[number]))
    is_changed = True
    while is_changed:
        is_changed = False
        for number in order:
            before = found[number]
            for parent in parents[number]:
                found[number] |= found[parent]
            is_changed = is_changed or found[number] != before
    return found
