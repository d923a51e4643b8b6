"""Archives in a tar file: an OCI image layout without times, users or an order of its own."""

import hashlib
import io
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from http import HTTPStatus
from pathlib import Path
from typing import IO, NamedTuple

from orbiter.archive.folder import OTHER_TARGET, refuse_unwritable, verify_manifest
from orbiter.archive.manifest import (
    index_with_release,
    manifest_digests,
    refuse_replacing,
)
from orbiter.archive.storage import (
    AddResult,
    ReleaseArtifact,
    add_result,
    no_release,
    not_an_archive,
)
from orbiter.fetch.progress import ProgressCounter, ReportProgress
from orbiter.oci.artifact import EMPTY
from orbiter.oci.layout import BLOBS, INDEX_FILE, LAYOUT, LAYOUT_FILE, blob_path
from orbiter.oci.registry import sha256
from orbiter.store.download import CHUNK, OpenSource, format_hash
from orbiter.store.store import hash_mismatch
from resolvers.net import http
from resolvers.scratch import locked, scratch_folder
from resolvers.types.tar_entry import CheckedTarInfo


class _ByteRange(NamedTuple):
    """A range of bytes in a file: a member of a tar file, or a whole file."""

    file: Path
    start: int
    size: int


class TarStorage:
    """An archive in a tar file; adding a release writes the whole file anew."""

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self._path = path
        self._scratch_prefix = f".{path.name}.new-"

    def prepare(self, release: str) -> None:
        """Raise ExpectedError if this release cannot be added."""
        if self._path.exists():
            self._index_for(release, self._read_members())
        refuse_unwritable(self._path.parent, self._scratch_prefix, self.name)

    def read_manifest(self, release: str) -> bytes:
        """Return the verified manifest of a release."""
        digests = self._manifest_digests()
        if release not in digests:
            raise no_release(self.name, release, digests)
        content = _read(self._blob_range(digests[release]))
        verify_manifest(content, digests[release], release, self.name)
        return content

    def list_releases(self) -> tuple[str, ...]:
        """Return the names of the releases."""
        return tuple(self._manifest_digests())

    def open_blob(self, digest: str) -> OpenSource:
        """Return a function that opens a blob."""

        @contextmanager
        def stream(_headers: Mapping[str, str]) -> Iterator[http.Stream]:
            content = self._blob_range(digest)
            headers = {"content-length": str(content.size)}
            with content.file.open("rb") as file:
                yield http.Stream(HTTPStatus.OK, self.name, headers, _chunks(file, content))

        return stream

    def add(self, release: ReleaseArtifact, report: ReportProgress) -> AddResult:
        """Add a release; hash every byte on the way into the new file."""
        folder = self._path.parent
        folder.mkdir(parents=True, exist_ok=True)
        prefix = self._scratch_prefix
        with locked(folder), scratch_folder(folder, prefix, OTHER_TARGET) as scratch:
            existing = self._read_members() if self._path.exists() else {}
            index = self._index_for(release.name, existing)
            contents: dict[str, _ByteRange | bytes] = dict(existing)
            for content in (EMPTY, release.manifest):
                contents[blob_path(sha256(content))] = content
            for file in release.files:
                contents[blob_path(file.digest)] = _ByteRange(file.path, 0, file.size)
            contents[LAYOUT_FILE] = LAYOUT
            contents[INDEX_FILE] = index_with_release(index, release, self.name)
            _write(scratch / "tar", contents, report)
            (scratch / "tar").replace(self._path)
        added = {file.digest for file in release.files if blob_path(file.digest) not in existing}
        return add_result(release.files, added)

    def _index_for(self, release: str, members: Mapping[str, _ByteRange]) -> bytes:
        """Return the index; raise ExpectedError if the release would replace something else."""
        index = _read(members[INDEX_FILE]) if members else b""
        nothing = _ByteRange(self._path, 0, 0)

        def read_manifest(digest: str) -> bytes:
            return _read(members.get(blob_path(digest), nothing))

        refuse_replacing(index, release, self.name, read_manifest)
        return index

    @cached_property
    def _members(self) -> dict[str, _ByteRange]:
        return self._read_members()

    def _manifest_digests(self) -> dict[str, str]:
        """Return the digests of the manifests by release."""
        return manifest_digests(_read(self._members[INDEX_FILE]), self.name)

    def _blob_range(self, digest: str) -> _ByteRange:
        path = blob_path(digest)
        if path not in self._members:
            raise http.HTTPError(f"{self.name} has no file {path}", status=HTTPStatus.NOT_FOUND)
        return self._members[path]

    def _read_members(self) -> dict[str, _ByteRange]:
        """Return the members of the tar file by name; raise ExpectedError for other files."""
        try:
            with tarfile.open(self._path, "r:", tarinfo=CheckedTarInfo) as tar:
                files = [member for member in tar if member.isreg()]
        except FileNotFoundError:
            raise not_an_archive(self.name, "it does not exist") from None
        except tarfile.TarError as error:
            raise not_an_archive(self.name, str(error)) from error
        # Other tools write "./" before the names.
        members = {
            file.name.removeprefix("./"): _ByteRange(self._path, file.offset_data, file.size)
            for file in files
        }
        for name in (LAYOUT_FILE, INDEX_FILE):
            if name not in members:
                raise not_an_archive(self.name, f"it has no file {name}")
        return members


def _read(content: _ByteRange) -> bytes:
    with content.file.open("rb") as file:
        return b"".join(_chunks(file, content))


def _chunks(file: IO[bytes], content: _ByteRange) -> Iterator[bytes]:
    file.seek(content.start)
    remaining = content.size
    while remaining and (chunk := file.read(min(CHUNK, remaining))):
        remaining -= len(chunk)
        yield chunk


def _write(path: Path, contents: Mapping[str, _ByteRange | bytes], report: ReportProgress) -> None:
    """Write a tar file; the same contents give the same bytes."""
    sizes = {name: _size(content) for name, content in contents.items()}
    counter = ProgressCounter(sizes, report)
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        for name, content in sorted(contents.items()):
            # A new TarInfo has no time, owner or group.
            member = tarfile.TarInfo(name)
            member.size = _size(content)
            if isinstance(content, bytes):
                tar.addfile(member, io.BytesIO(content))
            else:
                _copy(tar, member, content)
            counter.finish(name, member.size)


def _size(content: _ByteRange | bytes) -> int:
    return len(content) if isinstance(content, bytes) else content.size


def _copy(tar: tarfile.TarFile, member: tarfile.TarInfo, content: _ByteRange) -> None:
    """Copy bytes into a tar file; raise HashMismatchError if a blob does not have its digest."""
    with content.file.open("rb") as file:
        file.seek(content.start)
        reader = _HashingReader(file)
        tar.addfile(member, reader)
    expected = f"sha256:{member.name.removeprefix(BLOBS)}"
    if member.name.startswith(BLOBS) and reader.digest != expected:
        raise hash_mismatch(f"{member.name} of {content.file}", expected, reader.digest)


class _HashingReader(io.RawIOBase):
    """A file that hashes the bytes which are read from it."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__()
        self._file = file
        self._hasher = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        chunk = self._file.read(size)
        self._hasher.update(chunk)
        return chunk

    @property
    def digest(self) -> str:
        return format_hash(self._hasher)
