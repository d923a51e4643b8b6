"""The base image in the store, so that a build needs no registry."""

from collections.abc import Iterator
from functools import partial

from orbiter.fetch.fetch import fetch_from
from orbiter.fetch.progress import FetchTotals, ReportProgress
from orbiter.fetch.sources import FileSource, Locator
from orbiter.oci import registry
from orbiter.oci.base_image import BaseImage, image_blobs
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
    """Fetch all parts of a pinned base image that the store lacks: manifest, config and layers.

    ``mirrors`` and ``credentials`` as in ``orbiter.oci.base_image.pin``.
    """
    places = registry.repositories(image.reference, mirrors=mirrors, credentials=credentials)
    fetched = 0
    if not store.has(image.digest):
        manifest = registry.read_first(
            places, lambda place: place.manifest(image.digest), image.reference
        )
        store.add(manifest, image.digest, name=f"the manifest of {image.reference}")
        fetched = len(manifest)
    rest = fetch_from(_Repositories(places), image_files(image, store), store, progress)
    if not fetched:
        return rest
    return FetchTotals(count=rest.count + 1, bytes=rest.bytes + fetched, already=rest.already - 1)


def image_files(image: BaseImage, store: Store) -> tuple[LockedFile, ...]:
    """The parts of a base image whose manifest is in the store, the manifest first."""
    manifest = store.verify(image.digest, f"the manifest of {image.reference}").read_bytes()
    return tuple(
        _entry(image, blob.digest, blob.size) for blob in image_blobs(manifest, image.digest)
    )


def fetch_image_from(image: BaseImage, store: Store, origins: Locator) -> FetchTotals:
    """Take all parts of a base image that the store lacks from ``origins``."""
    first = fetch_from(origins, [_entry(image, image.digest, 0)], store)
    rest = fetch_from(origins, image_files(image, store), store)
    return FetchTotals(
        count=first.count + rest.count,
        bytes=first.bytes + rest.bytes,
        already=rest.already - first.count,
    )


def _entry(image: BaseImage, digest: str, size: int) -> LockedFile:
    path = f"image/{digest.partition(':')[2]}"
    return LockedFile(path=path, hash=digest, size=size, source=f"image:{image.reference}")


class _Repositories:
    """Where the parts of a base image are."""

    def __init__(self, places: tuple[Repository, ...]) -> None:
        self._places = places

    def of(self, entry: LockedFile) -> Iterator[FileSource]:
        return (FileSource(place.url, partial(place.blob, entry.hash)) for place in self._places)

    def failure(self, entry: LockedFile, failures: list[ExpectedError]) -> ExpectedError:
        reasons = "; ".join(failure.message for failure in failures)
        return ExpectedError(f"{entry.hash} of {entry.source}: {reasons}", failures[-1].hint)
