"""Why a package is there: a chain of names from a direct requirement. Pure."""

from collections.abc import Mapping

from orbiter.lockfiles.types import PackageEntry

Name = tuple[str, str]
"""Manager and name."""


class Reasons:
    """Chains within the packages of one place; what was found out about a place is kept."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[tuple[PackageEntry, ...], Mapping[Name, Name | None]]] = {}

    def chain(self, packages: tuple[PackageEntry, ...], manager: str, name: str) -> tuple[str, ...]:
        """The shortest chain of names to a package, itself included; () where nothing leads there."""
        if id(packages) not in self._known:
            self._known[id(packages)] = (packages, _parents(packages))
        parents = self._known[id(packages)][1]
        at: Name | None = (manager, name)
        found: list[str] = []
        while at and at in parents:
            found.append(at[1])
            at = parents[at]
        return tuple(reversed(found))


def _parents(packages: tuple[PackageEntry, ...]) -> dict[Name, Name | None]:
    """Who led first to each package, searching breadth first from the direct requirements; None for those."""
    needs: dict[Name, set[str]] = {}
    for package in packages:
        needs.setdefault((package.manager, package.name), set()).update(package.requires)
    by_name = {name: manager for manager, name in sorted(needs, reverse=True)}
    level = sorted(_roots(packages, needs))
    parents: dict[Name, Name | None] = dict.fromkeys(level)
    while level:
        following = []
        for at in level:
            for name in needs[at]:
                needed = (at[0], name) if (at[0], name) in needs else (by_name.get(name, ""), name)
                if needed in needs and needed not in parents:
                    parents[needed] = at
                    following.append(needed)
        level = sorted(
            following
        )  # so that neither the order of a lock nor that of a set decides who led there
    return parents


def _roots(packages: tuple[PackageEntry, ...], needs: Mapping[Name, set[str]]) -> set[Name]:
    """What a person asked for. Where a manager's lock does not tell, that is what no other package requires."""
    told = {package.manager for package in packages if package.direct is not None}
    required = {name for at, names in needs.items() for name in names if name != at[1]}
    linked = {at[0] for at, names in needs.items() if names}
    return {
        (package.manager, package.name)
        for package in packages
        if package.direct
        or (
            package.manager not in told
            and package.manager in linked
            and package.name not in required
        )
    }
