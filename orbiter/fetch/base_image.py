"""Downloads base images into the store, so that a build needs no registry."""

from collections.abc import Iterator
from functools import partial

from orbiter.fetch.fetch import fetch_from
from orbiter.fetch.progress import FetchTotals, ReportProgress
from orbiter.fetch.sources import FileSource, Locator
from orbiter.oci import registry
from orbiter.oci.base_image import BaseImage, image_blobs
from orbiter.oci.mirrors import sources
from orbiter.oci.registry import Credentials, Repository
from orbiter.store.artifact_list import LockedFile
from orbiter.store.store import Store
from resolvers.errors import ExpectedError


def fetch_image(
    image: BaseImage,
    store: Store,
    *,
    mirrors: tuple[str, ...] = (),
    credentials: Credentials = registry.anonymous,
    progress: ReportProgress = lambda _progress: None,
) -> FetchTotals:
    """Download all blobs of a pinned base image that the store lacks.

    ``mirrors`` and ``credentials`` are those of ``orbiter.oci.base_image.pin``.
    """
    repositories = sources(image.reference, mirrors=mirrors, credentials=credentials)
    manifest_bytes = 0
    if not store.has(image.digest):
        manifest = registry.read_first(
            repositories, lambda repository: repository.manifest(image.digest), image.reference
        )
        store.add(manifest, image.digest, name=f"the manifest of {image.reference}")
        manifest_bytes = len(manifest)
    locator = _RegistryLocator(repositories)
    totals = fetch_from(locator, image_files(image, store), store, progress)
    if manifest_bytes:
        # fetch_from has counted the manifest as present.
        totals += FetchTotals(files=1, bytes=manifest_bytes, present=-1)
    return totals


def fetch_image_from(image: BaseImage, store: Store, locator: Locator) -> FetchTotals:
    """Download all blobs of a base image that the store lacks from the sources of a locator."""
    manifest = fetch_from(locator, [_blob_file(image, image.digest, 0)], store)
    blobs = fetch_from(locator, image_files(image, store), store)
    # The manifest is one of the blobs, so both fetches have counted it.
    return manifest + blobs + FetchTotals(files=0, bytes=0, present=-1)


def image_files(image: BaseImage, store: Store) -> tuple[LockedFile, ...]:
    """Return the blobs of a base image, whose manifest must be in the store."""
    manifest = store.verify(image.digest, f"the manifest of {image.reference}").read_bytes()
    blobs = image_blobs(manifest, image.digest)
    return tuple(_blob_file(image, blob.digest, blob.size) for blob in blobs)


def _blob_file(image: BaseImage, digest: str, size: int) -> LockedFile:
    path = f"image/{digest.partition(':')[2]}"
    return LockedFile(path=path, hash=digest, size=size, source=f"image:{image.reference}")


class _RegistryLocator:
    """The registries that may have the blobs of a base image."""

    def __init__(self, repositories: tuple[Repository, ...]) -> None:
        self._repositories = repositories

    def locate(self, file: LockedFile) -> Iterator[FileSource]:
        for repository in self._repositories:
            yield FileSource(repository.url, partial(repository.blob, file.hash))

    def failure(self, file: LockedFile, failures: list[ExpectedError]) -> ExpectedError:
        reasons = "; ".join(failure.message for failure in failures)
        return ExpectedError(f"{file.hash} of {file.source}: {reasons}", failures[-1].hint)
