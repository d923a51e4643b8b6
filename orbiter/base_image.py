"""The base image in the store, so that a build needs no registry."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import msgspec

from orbiter.fetch import Fetched, Report, fetch_from
from orbiter.origins import Origin, Origins
from orbiter.store import Entry, Store
from resolvers import registry
from resolvers.errors import ExpectedError
from resolvers.registry import BaseImage, Credentials, Repository


def fetch_image(
    image: BaseImage,
    store: Store,
    *,
    mirrors: tuple[str, ...] = (),
    credentials: Credentials = registry.anonymous,
    progress: Report = lambda _progress: None,
) -> Fetched:
    """Fetch all parts of a pinned base image that the store lacks: manifest, config and layers.

    ``mirrors`` and ``credentials`` as in ``registry.pin``.
    """
    places = registry.repositories(image.reference, mirrors=mirrors, credentials=credentials)
    fetched = 0
    if not store.has(image.digest):
        manifest = registry.first(places, lambda place: place.manifest(image.digest), image.reference)
        store.add(manifest, image.digest, name=f"the manifest of {image.reference}")
        fetched = len(manifest)
    rest = fetch_from(_Repositories(places), image_entries(image, store), store, progress)
    if not fetched:
        return rest
    return Fetched(count=rest.count + 1, bytes=rest.bytes + fetched, already=rest.already - 1)


def image_entries(image: BaseImage, store: Store) -> tuple[Entry, ...]:
    """The parts of a base image whose manifest is in the store, the manifest first."""
    manifest = store.verify(image.digest, f"the manifest of {image.reference}").read_bytes()
    return tuple(_entry(image, blob.digest, blob.size) for blob in registry.blobs(manifest, image.digest))


def take_image(image: BaseImage, store: Store, origins: Origins) -> Fetched:
    """Take all parts of a base image that the store lacks from ``origins``."""
    first = fetch_from(origins, [_entry(image, image.digest, 0)], store)
    rest = fetch_from(origins, image_entries(image, store), store)
    return Fetched(count=first.count + rest.count, bytes=first.bytes + rest.bytes, already=rest.already - first.count)


def oci_layout(digest: str, store: Store, folder: Path) -> None:
    """Lay the base image with this manifest out as an OCI image layout of hard links, every byte verified.

    Format: https://github.com/opencontainers/image-spec/blob/main/image-layout.md
    """
    parts = registry.blobs(store.verify(digest, "the manifest of the base image").read_bytes(), digest)
    blobs = folder / "blobs" / "sha256"
    store.link_all((part.digest, blobs / part.digest.partition(":")[2]) for part in parts)
    manifest = {"mediaType": parts[0].media_type, "digest": digest, "size": parts[0].size}
    index = {"schemaVersion": 2, "manifests": [manifest]}
    (folder / "index.json").write_bytes(msgspec.json.encode(index))
    (folder / "oci-layout").write_bytes(msgspec.json.encode({"imageLayoutVersion": "1.0.0"}))


def _entry(image: BaseImage, digest: str, size: int) -> Entry:
    path = f"image/{digest.partition(':')[2]}"
    return Entry(path=path, hash=digest, size=size, source=f"image:{image.reference}")


class _Repositories:
    """Where the parts of a base image are."""

    def __init__(self, places: tuple[Repository, ...]) -> None:
        self._places = places

    def of(self, entry: Entry) -> Iterator[Origin]:
        return (Origin(place.url, partial(place.blob, entry.hash)) for place in self._places)

    def failure(self, entry: Entry, failures: list[ExpectedError]) -> ExpectedError:
        reasons = "; ".join(failure.message for failure in failures)
        return ExpectedError(f"{entry.hash} of {entry.source}: {reasons}", failures[-1].hint)
