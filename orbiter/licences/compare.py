"""The licences that differ between two locks. Pure, except for the store."""

from collections.abc import Collection, Iterator, Mapping

import msgspec
from msgspec.structs import replace

from orbiter.licences.collect import inventory_of
from orbiter.licences.model import Record
from orbiter.licences.policy import denied_licences, identifiers
from orbiter.lockfiles.lock_set import INSTALLERS
from orbiter.lockfiles.types import Lock, PackageEntry
from orbiter.sbom.artifacts import with_stored_facts
from orbiter.sbom.collect import bill_of
from orbiter.sbom.licenses import spdx_expression
from orbiter.store.store import Store

LicencesByPackage = Mapping[tuple[str, str], tuple[str, ...]]
"""The licences of the versions of each package, by manager and name; "" for an unknown one."""


class ChangedLicence(msgspec.Struct, frozen=True, kw_only=True):
    """A package of both locks with other licences; several versions may have several."""

    manager: str
    name: str
    old: tuple[str, ...]
    new: tuple[str, ...]


class LicenceUse(msgspec.Struct, frozen=True, kw_only=True):
    """A licence that only one of the locks has, with the names of its packages."""

    licence: str
    packages: tuple[str, ...]


class DeniedPackage(msgspec.Struct, frozen=True, kw_only=True):
    """A package that needs denied licences, which it did not need in the old lock."""

    manager: str
    name: str
    licences: tuple[str, ...]


class LicenceChanges(msgspec.Struct, frozen=True, kw_only=True):
    """The licences that differ between two locks; everything is sorted.

    ``unknown_old`` and ``unknown_new`` count the packages without a known licence. Those of the old
    lock may have the ``introduced`` licences, and those of the new lock the ``dropped`` ones.
    """

    introduced: tuple[LicenceUse, ...]
    dropped: tuple[LicenceUse, ...]
    changed: tuple[ChangedLicence, ...]
    denied: tuple[DeniedPackage, ...]
    unknown_old: int
    unknown_new: int


def with_licences(lock: Lock, store: Store, records: Collection[Record]) -> Lock:
    """Return a lock with the licences that its lock set, its packages in the store, or people know.

    A lock that is not a lock set is returned unchanged: its reader knows all licences in it.
    """
    if lock.lock_set is None:
        return lock
    bill, read, missing = with_stored_facts(bill_of(lock.lock_set), store)
    packages = inventory_of(bill, read, missing, records).packages
    known = {(each.manager, each.name, each.version): each.licence for each in packages}

    def licensed(entry: PackageEntry) -> PackageEntry:
        licence = known.get((entry.manager, entry.name, entry.version), "")
        return replace(entry, licence=licence) if licence else entry

    return replace(
        lock,
        packages={scope: tuple(map(licensed, entries)) for scope, entries in lock.packages.items()},
    )


def licence_changes(old: Lock, new: Lock, denied: tuple[str, ...] = ()) -> LicenceChanges:
    """Return the licences that differ between two locks, and the packages that entries deny."""
    before, after = _licences(old), _licences(new)
    old_uses, new_uses = _uses(before), _uses(after)
    return LicenceChanges(
        introduced=_only(new_uses, old_uses),
        dropped=_only(old_uses, new_uses),
        changed=tuple(
            ChangedLicence(manager=name[0], name=name[1], old=before[name], new=after[name])
            for name in sorted(before.keys() & after.keys())
            if before[name] != after[name] and "" not in (*before[name], *after[name])
        ),
        denied=tuple(_denied(before, after, denied)),
        unknown_old=_count_unknown(before),
        unknown_new=_count_unknown(after),
    )


def _licences(lock: Lock) -> LicencesByPackage:
    found: dict[tuple[str, str], set[str]] = {}
    for scope, entries in lock.packages.items():
        if scope.environment != INSTALLERS:  # no image contains them
            for entry in entries:
                licence = spdx_expression(entry.licence, own=True) or entry.licence
                found.setdefault((entry.manager, entry.name), set()).add(licence)
    return {name: tuple(sorted(licences)) for name, licences in found.items()}


def _uses(licences: LicencesByPackage) -> Mapping[str, tuple[str, ...]]:
    """Return the names of the packages of each licence."""
    uses: dict[str, set[str]] = {}
    for (_, name), texts in licences.items():
        for text in texts:
            for licence in identifiers(spdx_expression(text, own=True)) or (text,):
                uses.setdefault(licence, set()).add(name)
    uses.pop("", None)
    return {licence: tuple(sorted(names)) for licence, names in uses.items()}


def _only(
    uses: Mapping[str, tuple[str, ...]], others: Mapping[str, tuple[str, ...]]
) -> tuple[LicenceUse, ...]:
    """Return the licences that the others do not have."""
    names = sorted(uses.keys() - others.keys(), key=str.lower)
    return tuple(LicenceUse(licence=name, packages=uses[name]) for name in names)


def _denied(
    old: LicencesByPackage, new: LicencesByPackage, entries: tuple[str, ...]
) -> Iterator[DeniedPackage]:
    for name in sorted(new):
        denied = _all_denied(new[name], entries) - _all_denied(old.get(name, ()), entries)
        if denied:
            yield DeniedPackage(manager=name[0], name=name[1], licences=tuple(sorted(denied)))


def _all_denied(texts: tuple[str, ...], entries: tuple[str, ...]) -> set[str]:
    expressions = (spdx_expression(text, own=True) for text in texts)
    return {name for each in expressions for name in denied_licences(each, entries)}


def _count_unknown(licences: LicencesByPackage) -> int:
    return sum(
        not all(spdx_expression(text, own=True) for text in texts) for texts in licences.values()
    )
