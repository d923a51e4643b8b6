"""Copy a release's files into an archive, and back into the store."""

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from orbiter.archive.configured import configured_archive
from orbiter.archive.manifest import compose_artifact, read_content
from orbiter.archive.storage import ARCHIVE_HINT, AddResult, ArchivedFile, ArchiveStorage
from orbiter.archive.target import open_storage
from orbiter.fetch import fill
from orbiter.fetch.progress import (
    FetchTotals,
    ProgressCounter,
    ReportProgress,
    format_progress,
    run_parallel,
)
from orbiter.fetch.sources import FileSource
from orbiter.lockset.model import LockSet
from orbiter.oci.registry import sha256
from orbiter.sizes import MEGABYTE
from orbiter.store.artifact_list import LockedFile
from orbiter.store.store import Store, hash_file
from orbiter.tasks import StartTask
from resolvers.errors import ExpectedError


class ArchivedRelease(msgspec.Struct, frozen=True, kw_only=True):
    """A release in an archive; ``digest`` is that of its manifest."""

    release: str
    target: str
    digest: str
    result: AddResult

    def __str__(self) -> str:
        return (
            f"archived release {self.release} in {self.target} ({self.digest}): "
            f"{_format_result(self.result)}"
        )


def archive_release(
    lock_set: LockSet, platforms: Sequence[str], target: str, start_task: StartTask
) -> ArchivedRelease:
    """Add all files of a release to an archive.

    ``platforms`` is empty for all platforms. ``target`` is a folder, a ``*.tar`` file, or
    ``oci://registry/repository[:tag]``. Files that the store lacks are downloaded first. Raises
    ExpectedError if ``target`` is something else than an archive.
    """
    storage = open_storage(target)
    fill.require_complete(lock_set, platforms)
    # Downloading may take long: find out first whether the archive can be written.
    storage.prepare(lock_set.manifest.release)
    fill.fill(lock_set, platforms, start_task, configured_archive(storage.name))
    store = Store()
    report = start_task("hashing")
    files = _verified_files(
        fill.all_files(lock_set, platforms, store),
        store,
        lambda progress: report(format_progress(progress)),
    )
    report("")
    release = compose_artifact(lock_set.manifest.release, lock_set.root, files)
    report = start_task("archive")
    result = storage.add(release, lambda progress: report(format_progress(progress)))
    report("")
    digest = sha256(release.manifest)
    return ArchivedRelease(release=release.name, target=target, digest=digest, result=result)


def fetch_release(
    lock_set: LockSet, platforms: Sequence[str], target: str, start_task: StartTask
) -> FetchTotals:
    """Fill the store with the files of a release from an archive alone; return the totals."""
    locator = ReleaseLocator(open_storage(target), lock_set)
    return fill.fill_from(locator, lock_set, platforms, start_task)


def _verified_files(
    files: Iterable[LockedFile], store: Store, report: ReportProgress
) -> list[ArchivedFile]:
    """Return the files of a release after reading every byte; all must be in the store."""
    unique = {file.hash: file for file in sorted(files, reverse=True)}
    counter = ProgressCounter({file: file.size for file in unique.values()}, report)

    def verify(file: LockedFile) -> ArchivedFile:
        path = store.verify(file.hash, file.path)
        is_sha256 = file.hash.startswith("sha256:")
        digest = file.hash if is_sha256 else hash_file(path, "sha256")
        size = path.stat().st_size
        counter.finish(file, size)
        return ArchivedFile(digest=digest, size=size, locked=file, path=path)

    return run_parallel(verify, unique.values())


class ReleaseLocator:
    """Finds the files of one release in an archive, and nowhere else."""

    def __init__(self, storage: ArchiveStorage, lock_set: LockSet) -> None:
        release = lock_set.manifest.release
        self._storage = storage
        self._content = read_content(storage.read_manifest(release), f"{release} in {storage.name}")
        self._hint = ARCHIVE_HINT
        if self._content.root != lock_set.root:
            self._hint = (
                f"the archive was made from another lock set ({self._content.root}); {self._hint}"
            )

    def locate(self, file: LockedFile) -> Iterator[FileSource]:
        """Yield the archive; raise ExpectedError if it does not have the file."""
        digest = self._content.digests.get(file.hash)
        if not digest:
            raise ExpectedError(f"not in {self._storage.name} ({file.hash})", self._hint)
        yield FileSource(self._storage.name, self._storage.open_blob(digest))

    def failure(self, file: LockedFile, failures: list[ExpectedError]) -> ExpectedError:
        """Return the error for a file that the archive does not have."""
        return ExpectedError(f"{file.path}: {failures[-1].message}", failures[-1].hint)


def _format_result(result: AddResult) -> str:
    added, present = _megabytes(result.added), _megabytes(result.present)
    return (
        f"{len(result.added)} files added ({added}), "
        f"{len(result.present)} already present ({present})"
    )


def _megabytes(files: Sequence[ArchivedFile]) -> str:
    return f"{sum(file.size for file in files) / MEGABYTE:.1f} MB"
