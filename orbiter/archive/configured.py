"""The configured_archive archive: asked for a file before indexes, registries and mirrors are."""

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from functools import partial

from orbiter.archive import manifest
from orbiter.archive.manifest import ArchiveStorage
from orbiter.archive.target import open_storage
from orbiter.fetch.sources import NOT_FOUND, FileSource, ends_fetch
from orbiter.store.artifact_list import LockedFile
from resolvers.errors import ExpectedError
from resolvers.net import http
from resolvers.net.once import Lazy

ARCHIVE = "ORBITER_ARCHIVE"
"""Names the archive, as ``orbiter archive`` takes it."""


class ArchiveLocator:
    """Origins: an archive that may have a file, of whatever release. That it lacks one is no error of its own."""

    def __init__(self, place: ArchiveStorage) -> None:
        self._place = place
        self._releases: Lazy[tuple[str, ...]] = Lazy(self._there)
        self._digests: Lazy[Mapping[str, str]] = Lazy(self._named)

    def of(self, entry: LockedFile) -> Iterator[FileSource]:
        """The archive, where it may have the file; raises OriginsError when there is no archive."""
        with ends_fetch():
            self._releases()
        digest = entry.hash
        if not digest.startswith("sha256:"):  # only the releases tell by which digest it is kept
            digest = self._digests().get(entry.hash, "")
        if digest:
            yield FileSource(self._place.name, partial(self._opened, digest))

    def failure(self, entry: LockedFile, failures: list[ExpectedError]) -> ExpectedError:
        """The one error for a file that the archive did not give."""
        reason = failures[-1].message if failures else f"not in {self._place.name}"
        return ExpectedError(f"{entry.path}: {reason}", manifest.ARCHIVE_IT)

    def _there(self) -> tuple[str, ...]:
        try:
            return self._place.releases()
        except ExpectedError as error:
            raise ExpectedError(
                f"{ARCHIVE}: {error.message}", f"{error.hint}; or unset {ARCHIVE}"
            ) from error

    def _named(self) -> dict[str, str]:
        """The digests of all files that the releases name, by their hashes in lock sets."""
        found: dict[str, str] = {}
        for release in self._releases():
            with suppress(
                ExpectedError
            ):  # something else has this name; what is not found here, others have
                found |= manifest.content(self._place.manifest(release), self._place.name).digests
        return found

    @contextmanager
    def _opened(self, digest: str, headers: Mapping[str, str]) -> Iterator[http.Stream]:
        with ExitStack() as stack:
            try:
                stream = stack.enter_context(self._place.blob(digest)(headers))
            except http.HTTPError as error:
                if error.status not in NOT_FOUND:
                    raise
                raise http.HTTPError(f"not in {self._place.name}", status=error.status) from None
            yield stream


def configured_archive(making: str = "") -> ArchiveLocator | None:
    """The archive that the environment names, if any.

    ``making`` is the name of an archive that is about to be written: while it is not there it is not asked.
    """
    target = os.environ.get(ARCHIVE, "")
    if not target:
        return None
    place = open_storage(target)
    return None if place.name == making and not _is_there(place) else ArchiveLocator(place)


def _is_there(place: ArchiveStorage) -> bool:
    try:
        place.releases()
    except ExpectedError:
        return False
    return True
