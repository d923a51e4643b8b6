"""Which place of one lock belongs to which of the other. Pure."""

from typing import NamedTuple

from msgspec.structs import replace

from orbiter.diff.types import Fact
from orbiter.lockfiles.types import Lock, PackageEntry, Scope


class ScopePair(NamedTuple):
    """The packages of both sides at one place; ``whole`` says that one side does not have the place at all."""

    place: Scope
    old: tuple[PackageEntry, ...]
    new: tuple[PackageEntry, ...]
    whole: bool

    def fact(self) -> Fact:
        """What to tell of a place that came or went as a whole."""
        kind = "image" if self.place.environment else "platform"
        name = " ".join(filter(None, self.place)) or "all"
        return Fact(kind=kind, name=name, old=_count(self.old), new=_count(self.new))


def _count(packages: tuple[PackageEntry, ...]) -> str:
    names = {(package.manager, package.name) for package in packages}
    return f"{len(names)} package{'s' * (len(names) != 1)}" if names else ""


def pair_scopes(old: Lock, new: Lock) -> tuple[ScopePair, ...]:
    """All places of either side, in order."""
    return tuple(
        ScopePair(
            place,
            old.packages.get(place, ()),
            new.packages.get(place, ()),
            (place in old.packages) != (place in new.packages),
        )
        for place in sorted({**old.packages, **new.packages})
    )


def align_scopes(old: Lock, new: Lock) -> tuple[Lock, Lock]:
    """Both, with places named alike: where one side's format has no name for its one environment, or its one platform,
    and the other side has just one, that one is meant. Named places are never taken for each other."""
    for axis in (0, 1):
        names = [{place[axis] for place in side.packages} for side in (old, new)]
        if (
            len(names[0]) == len(names[1]) == 1
            and names[0] != names[1]
            and "" in (names[0] | names[1])
        ):
            (name,) = (names[0] | names[1]) - {""}
            old, new = _named(old, axis, name), _named(new, axis, name)
    return old, new


def _named(lock: Lock, axis: int, name: str) -> Lock:
    packages = {
        Scope(*(name if n == axis else part for n, part in enumerate(p))): all_
        for p, all_ in lock.packages.items()
    }
    return replace(lock, packages=packages)
