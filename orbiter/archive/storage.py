"""Storage of archives: the interface that a folder, a tar file and a registry share."""

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Protocol

import msgspec

from orbiter.fetch.progress import ReportProgress
from orbiter.store.artifact_list import LockedFile
from orbiter.store.download import OpenSource
from resolvers.errors import ExpectedError

ARCHIVE_HINT = "run 'orbiter archive' for this release on a machine with a network"


class ArchivedFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file of a release.

    ``digest`` is the sha256 of its bytes, ``locked`` its entry in the lock set, and ``path`` the
    verified file on this machine.
    """

    digest: str
    size: int
    locked: LockedFile
    path: Path


class ReleaseArtifact(msgspec.Struct, frozen=True, kw_only=True):
    """A release as an OCI artifact: its manifest and its files."""

    name: str
    manifest: bytes
    files: tuple[ArchivedFile, ...]


class AddResult(msgspec.Struct, frozen=True, kw_only=True):
    """Result of adding a release: the files that were added, and those already present."""

    added: tuple[ArchivedFile, ...]
    present: tuple[ArchivedFile, ...]


class ArchiveStorage(Protocol):
    """One archive; ``name`` is its name in messages. Its errors are ExpectedErrors."""

    name: str

    def prepare(self, release: str) -> None:
        """Raise ExpectedError if this release cannot be added, before any long work begins."""
        ...

    def read_manifest(self, release: str) -> bytes:
        """Return the verified manifest of a release; the error lists the available releases."""
        ...

    def list_releases(self) -> tuple[str, ...]:
        """Return the names of the releases; raise ExpectedError if there is no archive."""
        ...

    def open_blob(self, digest: str) -> OpenSource:
        """Return a function that opens a blob, whose bytes are not verified."""
        ...

    def add(self, release: ReleaseArtifact, report: ReportProgress) -> AddResult:
        """Add a release beside the others; write only the missing blobs."""
        ...


def add_result(files: Iterable[ArchivedFile], added: Collection[str]) -> AddResult:
    """Return the result for these files, given the digests of those that were added."""
    files = tuple(files)
    return AddResult(
        added=tuple(file for file in files if file.digest in added),
        present=tuple(file for file in files if file.digest not in added),
    )


def not_an_archive(name: str, reason: str) -> ExpectedError:
    """Return the error for a target that is not an archive."""
    return ExpectedError(
        f"{name} is not an archive: {reason}",
        "name an archive that 'orbiter archive' wrote, or create one: orbiter archive TARGET",
    )


def no_release(name: str, release: str, available: Iterable[str]) -> ExpectedError:
    """Return the error for a release that an archive does not have."""
    releases = ", ".join(available) or "none"
    return ExpectedError(f"{name} has no release {release}; it has {releases}", ARCHIVE_HINT)
