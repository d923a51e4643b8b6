"""Pairs of scopes: which scope of one lock corresponds to which scope of the other."""

from typing import NamedTuple

from msgspec.structs import replace

from orbiter.diff.types import Fact
from orbiter.lockfiles.types import Lock, PackageEntry, Scope


class ScopePair(NamedTuple):
    """The packages of both sides in one scope; ``one_sided`` is True if one side lacks it."""

    scope: Scope
    old: tuple[PackageEntry, ...]
    new: tuple[PackageEntry, ...]
    one_sided: bool

    def as_fact(self) -> Fact:
        """Return the fact that the whole scope was added or removed."""
        kind = "image" if self.scope.environment else "platform"
        name = " ".join(filter(None, self.scope)) or "all"
        return Fact(kind=kind, name=name, old=_size(self.old), new=_size(self.new))


def _size(packages: tuple[PackageEntry, ...]) -> str:
    count = len({(package.manager, package.name) for package in packages})
    return f"{count} package{'s' * (count != 1)}" if count else ""


def pair_scopes(old: Lock, new: Lock) -> tuple[ScopePair, ...]:
    """Return the scopes of both sides in order."""
    return tuple(
        ScopePair(
            scope,
            old.packages.get(scope, ()),
            new.packages.get(scope, ()),
            (scope in old.packages) != (scope in new.packages),
        )
        for scope in sorted({**old.packages, **new.packages})
    )


def align_scopes(old: Lock, new: Lock) -> tuple[Lock, Lock]:
    """Return both locks with the same scope names if one format does not name its only scope.

    If one side has a single unnamed environment and the other a single named one, they are the
    same; likewise for platforms. Two different names never match.
    """
    for field in Scope._fields:
        old_names, new_names = _names(old, field), _names(new, field)
        if len(old_names) == len(new_names) == 1 and old_names != new_names:
            names = old_names | new_names
            if "" in names:
                (name,) = names - {""}
                old, new = _rename_scopes(old, field, name), _rename_scopes(new, field, name)
    return old, new


def _names(lock: Lock, field: str) -> set[str]:
    return {getattr(scope, field) for scope in lock.packages}


def _rename_scopes(lock: Lock, field: str, name: str) -> Lock:
    packages = {
        scope._replace(**{field: name}): packages for scope, packages in lock.packages.items()
    }
    return replace(lock, packages=packages)
