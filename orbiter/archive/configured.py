"""The archive that ORBITER_ARCHIVE names, tried before indexes and mirrors."""

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from functools import partial

from orbiter.archive.manifest import read_content
from orbiter.archive.storage import ARCHIVE_HINT, ArchiveStorage
from orbiter.archive.target import open_storage
from orbiter.fetch.sources import NOT_FOUND, FileSource, ends_fetch
from orbiter.store.artifact_list import LockedFile
from resolvers.errors import ExpectedError
from resolvers.net import http, profile
from resolvers.net.once import Lazy

ARCHIVE = "ORBITER_ARCHIVE"
"""Environment variable with the archive, as ``orbiter archive`` takes it."""


class ArchiveLocator:
    """Finds files in an archive, across all its releases; a missing file is not an error."""

    def __init__(self, storage: ArchiveStorage) -> None:
        self._storage = storage
        self._releases = Lazy(self._list_releases)
        self._digests = Lazy(self._read_digests)

    def locate(self, file: LockedFile) -> Iterator[FileSource]:
        """Yield the archive if it may have the file; raise LocatorError if it does not exist."""
        with ends_fetch():
            self._releases()
        digest = file.hash
        if not digest.startswith("sha256:"):
            # Blobs are named by sha256: only the manifests map other hashes to blobs.
            digest = self._digests().get(file.hash, "")
        if digest:
            yield FileSource(self._storage.name, partial(self._open_blob, digest))

    def failure(self, file: LockedFile, failures: list[ExpectedError]) -> ExpectedError:
        """Return the error for a file that the archive does not have."""
        reason = failures[-1].message if failures else f"not in {self._storage.name}"
        return ExpectedError(f"{file.path}: {reason}", ARCHIVE_HINT)

    def _list_releases(self) -> tuple[str, ...]:
        try:
            return self._storage.list_releases()
        except ExpectedError as error:
            setting = profile.origin(ARCHIVE)
            remedy = f"unset {ARCHIVE}" if setting == ARCHIVE else f"remove {setting}"
            message = f"{setting}: {error.message}"
            raise ExpectedError(message, f"{error.hint}; or {remedy}") from error

    def _read_digests(self) -> dict[str, str]:
        """Return the digests of all files in all releases, by their locked hashes."""
        digests: dict[str, str] = {}
        for release in self._releases():
            # A registry may have other artifacts under some tags: other sources have those files.
            with suppress(ExpectedError):
                manifest = self._storage.read_manifest(release)
                digests |= read_content(manifest, self._storage.name).digests
        return digests

    @contextmanager
    def _open_blob(self, digest: str, headers: Mapping[str, str]) -> Iterator[http.Stream]:
        """Open a blob; replace the address in a "not found" error by the name of the archive."""
        with ExitStack() as stack:
            try:
                stream = stack.enter_context(self._storage.open_blob(digest)(headers))
            except http.HTTPError as error:
                if error.status not in NOT_FOUND:
                    raise
                raise http.HTTPError(f"not in {self._storage.name}", status=error.status) from None
            yield stream


def configured_archive(new_archive: str = "") -> ArchiveLocator | None:
    """Return the archive that the environment names; None if it names none.

    ``new_archive`` is the name of an archive that is about to be written: it may be missing.
    """
    target = os.environ.get(ARCHIVE, "")
    if not target:
        return None
    storage = open_storage(target)
    if storage.name == new_archive and not _exists(storage):
        return None
    return ArchiveLocator(storage)


def _exists(storage: ArchiveStorage) -> bool:
    try:
        storage.list_releases()
    except ExpectedError:
        return False
    return True
