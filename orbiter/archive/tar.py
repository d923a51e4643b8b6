"""Archives in one tar file: an OCI image layout, with no clock, user or order of its own."""

import hashlib
import io
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import IO, NamedTuple

from orbiter.archive import manifest as archive_manifest
from orbiter.archive.folder import refuse_unwritable
from orbiter.archive.manifest import AddResult, ReleaseArtifact
from orbiter.fetch.progress import ProgressCounter, ReportProgress
from orbiter.files import locked, scratch_folder
from orbiter.oci.layout import BLOBS, INDEX_FILE, LAYOUT, LAYOUT_FILE, blob_path
from orbiter.oci.registry import sha256
from orbiter.store.download import CHUNK, Open, spelled
from orbiter.store.store import wrong_bytes
from resolvers.net import http


class _Span(NamedTuple):
    """So many bytes of a file."""

    file: Path
    start: int
    size: int


class TarStorage:
    """An archive in a tar file; a release is put into it by writing it anew, with all that it had."""

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self._path = path
        self._prefix = f".{path.name}.new-"

    def prepare(self, release: str) -> None:
        """Make sure that this release can be put here; raises ExpectedError for a file of something else."""
        if self._path.exists():
            self._index_for(release, self._members())
        refuse_unwritable(self._path.parent, self._prefix, self.name)

    def manifest(self, release: str) -> bytes:
        """The manifest of a release, verified."""
        releases = self._releases()
        if release not in releases:
            raise archive_manifest.no_release(self.name, release, releases)
        digest = releases[release]
        content = _read(self._span(digest))
        if sha256(content) != digest:
            raise wrong_bytes(
                f"the manifest of release {release} in {self.name}", digest, sha256(content)
            )
        return content

    def releases(self) -> tuple[str, ...]:
        """The names of the releases here."""
        return tuple(self._releases())

    def blob(self, digest: str) -> Open:
        """The way to the bytes of a file."""

        @contextmanager
        def stream(_headers: Mapping[str, str]) -> Iterator[http.Stream]:
            span = self._span(digest)
            with span.file.open("rb") as file:
                yield http.Stream(
                    200, self.name, {"content-length": str(span.size)}, _chunks(file, span)
                )

        return stream

    def add(self, release: ReleaseArtifact, report: ReportProgress) -> AddResult:
        """Put a release here, beside all that is here; every byte is hashed on its way."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with locked(self._path.parent), scratch_folder(self._path.parent, self._prefix) as work:
            old = self._members() if self._path.exists() else {}
            index = self._index_for(release.name, old)
            contents: dict[str, _Span | bytes] = {
                **old,
                **{
                    blob_path(sha256(text)): text
                    for text in (archive_manifest.EMPTY, release.manifest)
                },
                **{
                    blob_path(piece.digest): _Span(piece.file, 0, piece.size)
                    for piece in release.pieces
                },
                LAYOUT_FILE: LAYOUT,
                INDEX_FILE: archive_manifest.with_release(index, release, self.name),
            }
            _write(work / "tar", contents, report)
            (work / "tar").replace(self._path)
        new = {piece.digest for piece in release.pieces if blob_path(piece.digest) not in old}
        return archive_manifest.add_result(release.pieces, new)

    def _index_for(self, release: str, members: Mapping[str, _Span]) -> bytes:
        """The index among these members, empty where there is none; refused where a release would replace another."""
        index = _read(members[INDEX_FILE]) if members else b""
        nothing = _Span(self._path, 0, 0)
        archive_manifest.refuse_replacing(
            index, release, self.name, lambda digest: _read(members.get(blob_path(digest), nothing))
        )
        return index

    @cached_property
    def _there(self) -> dict[str, _Span]:
        return self._members()

    def _releases(self) -> dict[str, str]:
        """The digests of the manifests by the names of the releases."""
        return archive_manifest.named(_read(self._there[INDEX_FILE]), self.name)

    def _span(self, digest: str) -> _Span:
        try:
            return self._there[blob_path(digest)]
        except KeyError:
            raise http.HTTPError(
                f"{self.name} has no file {blob_path(digest)}", status=404
            ) from None

    def _members(self) -> dict[str, _Span]:
        """What is in the tar file, by name."""
        try:
            with tarfile.open(self._path, "r:") as tar:
                files = [member for member in tar if member.isreg()]
        except FileNotFoundError:
            raise archive_manifest.not_an_archive(self.name, "it is not there") from None
        except tarfile.TarError as error:
            raise archive_manifest.not_an_archive(self.name, str(error)) from error
        found = {
            file.name.removeprefix("./"): _Span(self._path, file.offset_data, file.size)
            for file in files
        }
        for name in (LAYOUT_FILE, INDEX_FILE):
            if name not in found:
                raise archive_manifest.not_an_archive(self.name, f"it has no file {name}")
        return found


def _read(span: _Span) -> bytes:
    with span.file.open("rb") as file:
        return b"".join(_chunks(file, span))


def _chunks(file: IO[bytes], span: _Span) -> Iterator[bytes]:
    file.seek(span.start)
    left = span.size
    while left and (chunk := file.read(min(CHUNK, left))):
        left -= len(chunk)
        yield chunk


def _write(path: Path, contents: Mapping[str, _Span | bytes], report: ReportProgress) -> None:
    """A tar file with these members and the facts of nobody."""
    tally = ProgressCounter({name: _size(content) for name, content in contents.items()}, report)
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        for name, content in sorted(contents.items()):
            info = tarfile.TarInfo(name)
            info.size = _size(content)
            if isinstance(content, bytes):
                tar.addfile(info, io.BytesIO(content))
            else:
                _copy(tar, info, content)
            tally.finish(name, info.size)


def _size(content: _Span | bytes) -> int:
    return len(content) if isinstance(content, bytes) else content.size


def _copy(tar: tarfile.TarFile, info: tarfile.TarInfo, span: _Span) -> None:
    with span.file.open("rb") as file:
        file.seek(span.start)
        reader = _Hashing(file)
        tar.addfile(info, reader)
    expected = f"sha256:{info.name.removeprefix(BLOBS)}"
    if info.name.startswith(BLOBS) and reader.digest != expected:
        raise wrong_bytes(f"{info.name} of {span.file}", expected, reader.digest)


class _Hashing(io.RawIOBase):
    """A file whose bytes are hashed as they are read."""

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
        return spelled(self._hasher)
