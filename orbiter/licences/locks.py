"""Locks with the licences of their packages."""

from collections.abc import Collection

from msgspec.structs import replace

from orbiter.licences.collect import inventory_of
from orbiter.licences.model import LicenceRecord
from orbiter.lockfiles.types import Lock, PackageEntry
from orbiter.sbom.artifacts import with_stored_facts
from orbiter.sbom.collect import bill_of
from orbiter.store.store import Store


def with_licences(lock: Lock, store: Store, records: Collection[LicenceRecord]) -> Lock:
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
