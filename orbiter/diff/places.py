"""Which place of one lock belongs to which of the other. Pure."""

from typing import NamedTuple

from orbiter.diff.types import Fact
from orbiter.lockfiles.types import Lock, Locked, Place


class Paired(NamedTuple):
    """The packages of both sides at one place; ``whole`` says that one side does not have the place at all."""

    place: Place
    old: tuple[Locked, ...]
    new: tuple[Locked, ...]
    whole: bool

    def fact(self) -> Fact:
        """What to tell of a place that came or went as a whole."""
        kind = "image" if self.place.environment else "platform"
        name = " ".join(filter(None, self.place)) or "all"
        return Fact(kind=kind, name=name, old=_count(self.old), new=_count(self.new))


def _count(packages: tuple[Locked, ...]) -> str:
    names = {(package.manager, package.name) for package in packages}
    return f"{len(names)} packages" if names else ""


def paired(old: Lock, new: Lock) -> tuple[Paired, ...]:
    """All places of either side, in order. A side with one environment, or one place, is compared with the other's
    one whatever they are called: formats name them differently, or not at all."""
    before, after = _renamed(dict(old.packages), dict(new.packages))
    return tuple(
        Paired(place, before.get(place, ()), after.get(place, ()), (place in before) != (place in after))
        for place in sorted({**before, **after})
    )


Packages = dict[Place, tuple[Locked, ...]]


def _renamed(old: Packages, new: Packages) -> tuple[Packages, Packages]:
    if old.keys() & new.keys():
        return old, new
    if len(old) == len(new) == 1:
        return dict.fromkeys(new, next(iter(old.values()))), new
    environments = [{place.environment for place in side} for side in (old, new)]
    if all(len(each) == 1 for each in environments):
        (name,) = environments[1]
        return {Place(name, place.platform): packages for place, packages in old.items()}, new
    return old, new
