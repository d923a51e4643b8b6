"""Releases in archives: all files of a release in a folder, a tar file or a registry, and back into the store."""

from collections.abc import Iterable, Iterator, Sequence

from orbiter.archive import manifest
from orbiter.archive.configured import configured_archive
from orbiter.archive.manifest import AddResult, ArchiveStorage, Blob
from orbiter.archive.target import open_storage
from orbiter.fetch import fill
from orbiter.fetch.progress import ProgressCounter, ReportProgress, format_progress, run_parallel
from orbiter.fetch.sources import FileSource
from orbiter.lockset.model import LockSet
from orbiter.oci.registry import sha256
from orbiter.sizes import MEGABYTE
from orbiter.store.artifact_list import LockedFile
from orbiter.store.store import Store, hash_file
from orbiter.tasks import StartTask
from resolvers.errors import ExpectedError


def archive_release(
    locked: LockSet, platforms: Sequence[str], target: str, board: StartTask
) -> str:
    """Put all files of a release on these platforms (on all, where none are given) into an archive.

    ``target`` is a folder, a ``*.tar`` file or ``oci://registry/repository[:tag]``. What the store lacks is fetched
    first. Gives a line for people. Raises ExpectedError where ``target`` is something else than an archive.
    """
    place = open_storage(target)
    fill.require_complete(locked, platforms)
    place.prepare(locked.manifest.release)
    fill.fill(locked, platforms, board, configured_archive(place.name))
    store = Store()
    tell = board("hashing")
    found = pieces(
        fill.all_files(locked, platforms, store), store, lambda state: tell(format_progress(state))
    )
    tell("")
    release = manifest.compose(locked.manifest.release, locked.root, found)
    tell = board("archive")
    kept = place.add(release, lambda state: tell(format_progress(state)))
    tell("")
    return (
        f"archived release {release.name} in {target} ({sha256(release.manifest)}): {_told(kept)}"
    )


def fetch_release(locked: LockSet, platforms: Sequence[str], target: str, board: StartTask) -> str:
    """Bring a release out of an archive into the store, and use nothing else; gives a line for people."""
    return fill.fill_from(ReleaseLocator(open_storage(target), locked), locked, platforms, board)


def pieces(entries: Iterable[LockedFile], store: Store, report: ReportProgress) -> list[Blob]:
    """The files of a release, all in the store: every byte is read and verified."""
    found = {entry.hash: entry for entry in sorted(entries, reverse=True)}
    tally = ProgressCounter({entry: entry.size for entry in found.values()}, report)

    def piece(entry: LockedFile) -> Blob:
        file = store.verify(entry.hash, entry.path)
        digest = entry.hash if entry.hash.startswith("sha256:") else hash_file(file, "sha256")
        size = file.stat().st_size
        tally.finish(entry, size)
        return Blob(digest=digest, size=size, entry=entry, file=file)

    return run_parallel(piece, found.values(), tally)


class ReleaseLocator:
    """Origins: the release of a lock set in an archive."""

    def __init__(self, place: ArchiveStorage, locked: LockSet) -> None:
        release = locked.manifest.release
        self._place = place
        self._content = manifest.content(place.manifest(release), f"{release} in {place.name}")
        self._hint = manifest.ARCHIVE_IT
        if self._content.root != locked.root:
            self._hint = (
                f"the archive was made of another lock set ({self._content.root}); {self._hint}"
            )

    def of(self, entry: LockedFile) -> Iterator[FileSource]:
        """The one place where a file may be; raises ExpectedError when the archive does not name it."""
        digest = self._content.digests.get(entry.hash)
        if not digest:
            raise ExpectedError(f"not in {self._place.name} ({entry.hash})", self._hint)
        return iter([FileSource(self._place.name, self._place.blob(digest))])

    def failure(self, entry: LockedFile, failures: list[ExpectedError]) -> ExpectedError:
        """The one error for a file that the archive did not give."""
        return ExpectedError(f"{entry.path}: {failures[-1].message}", failures[-1].hint)


def _told(kept: AddResult) -> str:
    new, there = _megabytes(kept.new), _megabytes(kept.already)
    return f"{len(kept.new)} files new ({new}), {len(kept.already)} were there ({there})"


def _megabytes(files: Sequence[Blob]) -> str:
    return f"{sum(file.size for file in files) / MEGABYTE:.1f} MB"
