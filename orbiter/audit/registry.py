"""Images in a registry, downloaded to be audited."""

import hashlib
from functools import partial
from pathlib import Path

import msgspec

from orbiter.archive.registry import SCHEME
from orbiter.audit.image import AuditedImage, LocalBlob, not_an_image
from orbiter.audit.layouts import read_layout
from orbiter.docker import client
from orbiter.oci.base_image import image_blobs, pin
from orbiter.oci.layout import INDEX_FILE, blob_path, encode_index
from orbiter.oci.reference import is_reference, parse_reference
from orbiter.oci.registry import Repository, repositories, sha256
from orbiter.sizes import format_size
from orbiter.tasks import Report
from orbiter.threads import raise_if_stopped, stoppable_threads
from resolvers.errors import ExpectedError
from resolvers.net import http

DOWNLOADS = 4
"""Blobs that are downloaded at the same time."""


class _Files:
    """The blobs of an image that were downloaded, as a layout."""

    def __init__(self, root: Path, index: LocalBlob) -> None:
        self._root = root
        self._index = index

    def find(self, path: str) -> LocalBlob | None:
        if path == INDEX_FILE:
            return self._index
        file = self._root / path.rpartition("/")[2]
        return LocalBlob(file, 0, file.stat().st_size) if file.is_file() else None


def download_image(target: str, platform: str, scratch: Path, report: Report) -> AuditedImage:
    """Download the image ``oci://registry/name:tag`` for a platform to a folder.

    Raises ExpectedError if the registry has no such image, or cannot be read.
    """
    reference = target.removeprefix(SCHEME)
    if not is_reference(reference) or "/" not in reference:
        raise not_an_image(target, "the address of an image is oci://registry/name:tag")
    repository = repositories(reference, credentials=client.credentials)[-1]
    try:
        manifest = _manifest(repository, reference, platform)
        return _downloaded(target, repository, manifest, scratch, report)
    except http.HTTPError as error:
        raise ExpectedError(
            f"{target} cannot be read: {error.message}",
            f"check the name and tag, or run docker login {repository.registry}",
        ) from error


def _manifest(repository: Repository, reference: str, platform: str) -> bytes:
    """Return the manifest of the image for a platform, "" if the image has only one."""
    parsed = parse_reference(reference)
    content = repository.manifest(parsed.digest or parsed.tag)
    if "manifests" not in msgspec.json.decode(content, type=dict[str, msgspec.Raw]):
        return content
    image = pin(reference, platform or "linux/amd64", credentials=client.credentials)
    return repository.manifest(image.digest)


def _downloaded(
    target: str, repository: Repository, manifest: bytes, scratch: Path, report: Report
) -> AuditedImage:
    digest = sha256(manifest)
    folder = scratch / "blobs"
    folder.mkdir()
    (folder / digest.partition(":")[2]).write_bytes(manifest)
    blobs = image_blobs(manifest, digest)[1:]
    report(f"downloading {format_size(sum(blob.size for blob in blobs))}")
    with stoppable_threads(DOWNLOADS) as pool:
        list(pool.map(partial(_download, repository, folder), {blob.digest for blob in blobs}))
    index = folder / INDEX_FILE
    index.write_bytes(encode_index([{"digest": digest}]))
    return read_layout(target, _Files(folder, LocalBlob(index, 0, index.stat().st_size)), "")


def _download(repository: Repository, folder: Path, digest: str) -> None:
    """Download a blob. Raises ExpectedError if its bytes have another digest."""
    hasher = hashlib.sha256()
    name = blob_path(digest).rpartition("/")[2]
    with repository.blob(digest, {}) as stream, (folder / name).open("xb") as file:
        for chunk in stream.chunks:
            raise_if_stopped()
            hasher.update(chunk)
            file.write(chunk)
    if f"sha256:{hasher.hexdigest()}" != digest:
        raise ExpectedError(
            f"{repository.url}: the bytes of {digest} have another digest",
            "the registry or a proxy changed the file: try again, or use another registry",
        )
