"""Pushes an image to a registry: only missing blobs, in parallel, and the tag last."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import as_completed
from http import HTTPStatus
from pathlib import Path

import msgspec

from orbiter.oci.chunks import CHUNK_SIZE, put_blob_in_chunks
from orbiter.oci.push_progress import BlobResult, PushProgress
from orbiter.oci.reference import parse_reference
from orbiter.oci.registry import OCI_INDEX, Repository, sha256
from orbiter.oci.registry_errors import DENIED, UNKNOWN_CONTENT, error_codes, explained, image_name
from orbiter.oci.upload import (
    MountResult,
    has_blob,
    has_manifest,
    mount_blob,
    put_blob,
    put_manifest,
    tag_digest,
)
from orbiter.tasks import Report
from orbiter.threads import stoppable_threads
from resolvers.errors import ExpectedError
from resolvers.net import http

THREADS = 4
DAMAGED = "delete the file, if it exists, and build the image again"


class BlobFile(msgspec.Struct, frozen=True):
    """A configuration or a layer, and the file that has its bytes."""

    digest: str
    size: int
    media_type: str
    path: Path


class ImageManifest(msgspec.Struct, frozen=True):
    """The image of one platform; ``blobs`` are its configuration and its layers."""

    digest: str
    content: bytes
    media_type: str
    blobs: tuple[BlobFile, ...]


def push_image(
    repository: Repository,
    tag: str,
    manifests: Sequence[ImageManifest],
    index: bytes | None,
    *,
    report: Report,
    mounts: Sequence[str] = (),
) -> str:
    """Push an image and return the digest under its tag.

    ``manifests`` are the images of all platforms. Without an ``index`` there is only one.
    ``mounts`` are repositories of the same registry that may have some of the blobs. The registry
    then takes the blobs from there.

    Until all content is in the registry, the tag stays as it was. A later push continues with the
    missing blobs. Raises ExpectedError with the reason and a remedy.
    """
    blobs = {blob.digest: blob for manifest in manifests for blob in manifest.blobs}
    for blob in blobs.values():
        _check_size(blob)
    sizes = {blob.digest: blob.size for blob in blobs.values()}
    progress = PushProgress(sizes, report)
    push = _Push(repository, tag, manifests, index, mounts, progress)
    with explained(repository, tag):
        digest = push.run()
    progress.report_result()
    return digest


def mount_sources(target: str, references: Iterable[str]) -> tuple[str, ...]:
    """Return the other repositories of the target's registry, for ``mounts``.

    ``target`` and ``references`` are image references, such as those of base images.
    """
    own = parse_reference(target)
    others = [parse_reference(reference) for reference in references]
    names = [other.repository for other in others if other.registry == own.registry]
    return tuple(dict.fromkeys(name for name in names if name != own.repository))


class _Push:
    """One push of an image.

    ``_doubted`` are digests that the registry claimed to have, until it refused a manifest because
    of them.
    """

    def __init__(
        self,
        repository: Repository,
        tag: str,
        manifests: Sequence[ImageManifest],
        index: bytes | None,
        mounts: Sequence[str],
        progress: PushProgress,
    ) -> None:
        self._repository = repository
        self._tag = tag
        self._manifests = manifests
        self._index = index
        self._sources = [repository.sibling(name) for name in mounts if name != repository.name]
        self._progress = progress
        self._doubted: frozenset[str] = frozenset()

    def run(self) -> str:
        """Push everything and return the digest under the tag."""
        while True:
            self._push_blobs()
            try:
                return self._push_manifests()
            except http.HTTPError as error:
                missing = self._missing(error)
                if missing <= self._doubted:
                    raise
                self._doubted |= missing
                self._progress.forget(missing)

    def _missing(self, error: http.HTTPError) -> frozenset[str]:
        """Return the digests that the registry lacks according to an error.

        Returns all digests if the error does not name them, and none for any other error.
        """
        if not error_codes(error) & UNKNOWN_CONTENT:
            return frozenset()
        digests = {manifest.digest for manifest in self._manifests} | self._progress.digests()
        named = frozenset(digest for digest in digests if digest.encode() in error.content)
        return named or frozenset(digests)

    def _push_blobs(self) -> None:
        pending = {
            blob.digest: blob
            for manifest in self._manifests
            for blob in manifest.blobs
            if not self._progress.is_finished(blob.digest)
        }
        # With the largest blobs first, no thread is left alone with one of them at the end.
        blobs = sorted(pending.values(), key=lambda blob: (-blob.size, blob.digest))
        # The first error stops the other threads.
        with stoppable_threads(THREADS) as pool:
            for job in as_completed([pool.submit(self._push_blob, blob) for blob in blobs]):
                job.result()

    def _push_blob(self, blob: BlobFile) -> None:
        try:
            self._progress.finish(blob.digest, self._transfer(blob))
        except http.HTTPError as error:
            if error.status == HTTPStatus.BAD_REQUEST:
                check_content(blob.path, blob.digest)
            raise

    def _transfer(self, blob: BlobFile) -> BlobResult:
        mount = MountResult()
        if blob.digest not in self._doubted:
            if self._is_present(blob.digest):
                return "present"
            mount = self._mount(blob.digest)
        if mount.is_mounted:
            return "mounted"
        self._upload(blob, mount.location)
        return "uploaded"

    def _is_present(self, digest: str) -> bool:
        try:
            return has_blob(self._repository, digest)
        except http.HTTPError as error:
            if error.status not in DENIED:
                raise
            # Some registries deny reading a repository that the first upload creates.
            return False

    def _mount(self, digest: str) -> MountResult:
        """Mount a blob from the first source that has it."""
        for source in tuple(self._sources):
            try:
                if has_blob(source, digest):
                    return mount_blob(self._repository, digest, source.name)
            except http.HTTPError:
                # A push works without mounting. Do not try this source for each blob.
                self._sources = [other for other in self._sources if other is not source]
        return MountResult()

    def _upload(self, blob: BlobFile, location: str) -> None:
        def read(start: int, stop: int) -> Iterator[bytes]:
            return self._read(blob, start, stop)

        if blob.size > CHUNK_SIZE:
            put_blob_in_chunks(self._repository, blob.digest, blob.size, read, location)
        else:
            put_blob(self._repository, blob.digest, blob.size, lambda: read(0, blob.size), location)

    def _read(self, blob: BlobFile, start: int, stop: int) -> Iterator[bytes]:
        """Yield bytes of a blob, and report those before them as sent."""
        with blob.path.open("rb") as file:
            file.seek(start)
            while start < stop and (piece := file.read(min(http.CHUNK, stop - start))):
                self._progress.update(blob.digest, start)
                yield piece
                start += len(piece)

    def _push_manifests(self) -> str:
        if self._index is None:
            (manifest,) = self._manifests
            return self._push_tag(manifest.content, manifest.media_type)
        for manifest in self._manifests:
            is_known = manifest.digest not in self._doubted
            if not (is_known and has_manifest(self._repository, manifest.digest)):
                put_manifest(
                    self._repository, manifest.digest, manifest.content, manifest.media_type
                )
        return self._push_tag(self._index, OCI_INDEX)

    def _push_tag(self, content: bytes, media_type: str) -> str:
        digest = sha256(content)
        if tag_digest(self._repository, self._tag) == digest:
            return digest
        stored = put_manifest(self._repository, self._tag, content, media_type)
        if stored not in {"", digest}:
            raise ExpectedError(
                f"pushing {image_name(self._repository, self._tag)} failed: "
                f"the registry stored {digest} as {stored}",
                "check the registry, and any proxy in front of it",
            )
        return digest


def _check_size(blob: BlobFile) -> None:
    try:
        size = blob.path.stat().st_size
    except OSError as error:
        raise ExpectedError(f"cannot read {blob.path}: {error.strerror}", DAMAGED) from error
    if size != blob.size:
        raise ExpectedError(
            f"{blob.path} is damaged: expected {blob.size} bytes, got {size}", DAMAGED
        )


def check_content(path: Path, digest: str) -> None:
    """Raise ExpectedError if a file does not have its digest."""
    with path.open("rb") as file:
        actual = f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
    if actual != digest:
        raise ExpectedError(f"{path} is damaged: expected {digest}, got {actual}", DAMAGED)
