"""Everything that the page about a release shows, and reading it from the disk."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

import msgspec

from orbiter.config.check_keys import LicencesTable
from orbiter.diff.compare import diff
from orbiter.diff.types import Diff
from orbiter.licences.collect import inventory_of
from orbiter.licences.model import Inventory
from orbiter.licences.policy import with_denials
from orbiter.licences.records import records_of
from orbiter.lockfiles.lock_set import as_lock
from orbiter.lockfiles.types import PackageEntry, Scope
from orbiter.lockset import folder, record
from orbiter.lockset.model import LockSet
from orbiter.lockset.record import Digests
from orbiter.lockset.versions import precedence
from orbiter.query.packages import Selection, selected_packages
from orbiter.report.release.history import PastRelease
from orbiter.report.release.package_sizes import hashes
from orbiter.report.vulnerabilities.view import View
from orbiter.sbom.artifacts import with_stored_facts
from orbiter.sbom.collect import bill_of
from orbiter.store.store import Store

DATE_LENGTH = len("2026-01-31")


class Contents(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known about a release.

    ``history`` are the releases up to this one, the oldest first. ``changes`` are those since the
    previous release, None for the first one. ``vulnerabilities`` are None if nobody looked for
    them. ``stored`` has the sizes of files that the lock files do not record, by hash.
    """

    lock_set: LockSet
    packages: Mapping[Scope, tuple[PackageEntry, ...]]
    history: tuple[PastRelease, ...]
    changes: Diff | None
    vulnerabilities: View | None
    licences: Inventory
    stored: Mapping[str, int]

    @property
    def digests(self) -> Digests | None:
        """The record of the release; None if it was only locked."""
        return self.history[-1].digests


def read_contents(
    lock_set: LockSet,
    store: Store,
    licence_keys: LicencesTable,
    vulnerabilities: View | None = None,
    locks: Path = folder.LOCKS,
) -> Contents:
    """Return what the lock sets and the files in the store say about a release.

    Raises ExpectedError if a lock set or a file is damaged, or if the lock set is partial.
    """
    bill, read, missing = with_stored_facts(bill_of(lock_set), store)
    inventory = inventory_of(bill, read, missing, records_of(licence_keys))
    packages = selected_packages(lock_set, Selection())
    older = _older(lock_set.manifest.release, locks)
    return Contents(
        lock_set=lock_set,
        packages=packages,
        history=tuple(_past(each, locks) for each in (*older, lock_set)),
        changes=_changes(older[-1], lock_set) if older else None,
        vulnerabilities=vulnerabilities,
        licences=with_denials(inventory, licence_keys.deny),
        stored=dict(stored_sizes(packages.values(), store)),
    )


def _older(release: str, locks: Path) -> list[LockSet]:
    """Return the lock sets of all older releases, the oldest first."""
    names = (name for name in folder.releases(locks) if precedence(name) < precedence(release))
    return [folder.read(folder.release_folder(name, locks)) for name in names]


def _past(lock_set: LockSet, locks: Path) -> PastRelease:
    manifest = lock_set.manifest
    place = folder.release_folder(manifest.release, locks)
    digests = record.read(place, lock_set).digests if folder.is_released(place) else None
    return PastRelease(manifest.release, manifest.cutoff[:DATE_LENGTH], digests)


def _changes(old: LockSet, new: LockSet) -> Diff:
    return diff(*(as_lock(each, each.manifest.release) for each in (old, new)))


def stored_sizes(
    packages: Iterable[Collection[PackageEntry]], store: Store
) -> Iterator[tuple[str, int]]:
    """Yield the hashes and sizes of files in the store whose size no lock file records."""
    unsized = (entry for entries in packages for entry in entries if not entry.size)
    for digest in dict.fromkeys(digest for entry in unsized for digest in hashes(entry)):
        if store.has(digest):
            yield digest, store.path(digest).stat().st_size
