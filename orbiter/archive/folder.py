"""Archives in a folder: an OCI image layout.

Format: https://github.com/opencontainers/image-spec/blob/main/image-layout.md
"""

from functools import partial
from pathlib import Path

from orbiter.archive.manifest import (
    index_with_release,
    manifest_digests,
    refuse_replacing,
)
from orbiter.archive.storage import (
    AddResult,
    ArchivedFile,
    ReleaseArtifact,
    add_result,
    no_release,
    not_an_archive,
)
from orbiter.fetch.progress import ProgressCounter, ReportProgress, run_parallel
from orbiter.oci.artifact import EMPTY
from orbiter.oci.layout import INDEX_FILE, LAYOUT, LAYOUT_FILE, blob_path
from orbiter.oci.registry import sha256
from orbiter.store.download import OpenSource
from orbiter.store.store import hash_file, hash_mismatch, link_or_copy
from resolvers.errors import ExpectedError
from resolvers.net import http
from resolvers.scratch import locked, scratch_folder

SCRATCH_PREFIX = ".orbiter-new-"
OTHER_TARGET = "name another target"
"""Remedy for a target whose disk is full or read-only."""


class FolderStorage:
    """An archive in a folder; a missing folder is created."""

    def __init__(self, folder: Path) -> None:
        self.name = str(folder)
        self._folder = folder

    def prepare(self, release: str) -> None:
        """Raise ExpectedError if this release cannot be added."""
        # A killed run may have left nothing but its scratch folder: that is still a new archive.
        if self._folder.is_dir() and not self._has_only_scratch_folders():
            self._manifest_digests()
            refuse_replacing(self._index(), release, self.name, self._manifest)
        refuse_unwritable(self._folder, SCRATCH_PREFIX, self.name)

    def read_manifest(self, release: str) -> bytes:
        """Return the verified manifest of a release."""
        digests = self._manifest_digests()
        if release not in digests:
            raise no_release(self.name, release, digests)
        content = http.get(self._url(digests[release])).content
        verify_manifest(content, digests[release], release, self.name)
        return content

    def list_releases(self) -> tuple[str, ...]:
        """Return the names of the releases."""
        return tuple(self._manifest_digests())

    def open_blob(self, digest: str) -> OpenSource:
        """Return a function that opens a blob."""
        return lambda headers: http.stream(self._url(digest), headers=headers)

    def add(self, release: ReleaseArtifact, report: ReportProgress) -> AddResult:
        """Add a release: every file appears atomically, as a hard link if that is possible."""
        counter = ProgressCounter({file.digest: file.size for file in release.files}, report)
        blobs = self._path(sha256(EMPTY)).parent
        with scratch_folder(self._folder, SCRATCH_PREFIX, OTHER_TARGET) as scratch:
            blobs.mkdir(parents=True, exist_ok=True)
            _write(self._folder / LAYOUT_FILE, LAYOUT, scratch)
            add_file = partial(self._add_file, scratch=scratch, counter=counter)
            added = run_parallel(add_file, release.files)
            for content in (EMPTY, release.manifest):
                _write(self._path(sha256(content)), content, scratch)
            # The index comes last, so that it names only complete releases.
            with locked(self._folder):
                self._add_to_index(release, scratch)
        return add_result(release.files, {digest for digest in added if digest})

    def _add_file(self, file: ArchivedFile, scratch: Path, counter: ProgressCounter) -> str:
        """Add one file; return its digest, or an empty string if it was already present."""
        path = self._path(file.digest)
        is_present = path.exists() and hash_file(path, "sha256") == file.digest
        if not is_present:
            link_or_copy(file.path, scratch / path.name)
            (scratch / path.name).replace(path)
        counter.finish(file.digest, file.size)
        return "" if is_present else file.digest

    def _add_to_index(self, release: ReleaseArtifact, scratch: Path) -> None:
        index = self._index()
        # Another process may have changed the index since prepare() read it.
        refuse_replacing(index, release.name, self.name, self._manifest)
        _write(self._folder / INDEX_FILE, index_with_release(index, release, self.name), scratch)

    def _has_only_scratch_folders(self) -> bool:
        return all(path.name.startswith(SCRATCH_PREFIX) for path in self._folder.iterdir())

    def _manifest_digests(self) -> dict[str, str]:
        """Return the digests of the manifests by release; raise if there is no archive."""
        if not self._folder.is_dir():
            raise not_an_archive(self.name, "it does not exist")
        if not (self._folder / LAYOUT_FILE).is_file():
            raise not_an_archive(self.name, f"it has no file {LAYOUT_FILE}")
        return manifest_digests(self._index(), self.name)

    def _index(self) -> bytes:
        """Return the text of the index; empty if a killed run has not written it yet."""
        path = self._folder / INDEX_FILE
        return path.read_bytes() if path.exists() else b""

    def _manifest(self, digest: str) -> bytes:
        path = self._path(digest)
        return path.read_bytes() if path.exists() else b""

    def _path(self, digest: str) -> Path:
        return self._folder / blob_path(digest)

    def _url(self, digest: str) -> str:
        return self._path(digest).absolute().as_uri()


def verify_manifest(content: bytes, digest: str, release: str, name: str) -> None:
    """Raise HashMismatchError if the manifest of a release does not have its digest."""
    if sha256(content) != digest:
        raise hash_mismatch(f"the manifest of release {release} in {name}", digest, sha256(content))


def refuse_unwritable(folder: Path, prefix: str, name: str) -> None:
    """Create the folder of an archive; raise ExpectedError if it cannot be written."""
    try:
        with scratch_folder(folder, prefix, OTHER_TARGET):
            pass
    except OSError as error:
        raise ExpectedError(
            f"cannot write {name}: {error.filename or folder}: {error.strerror}",
            "name a target that you may write to",
        ) from error


def _write(path: Path, content: bytes, scratch: Path) -> None:
    """Write a file atomically."""
    (scratch / path.name).write_bytes(content)
    (scratch / path.name).replace(path)
