"""Loads base images into the engine without its network.

With a network profile, Orbiter itself downloads them, so that the engine needs no proxy, mirrors
or certificates of its own.
"""

import tarfile
from functools import partial
from pathlib import Path

from orbiter.docker import client, local_images
from orbiter.oci.base_image import Blob, image_blobs
from orbiter.oci.layout import write_layout
from orbiter.oci.mirrors import sources
from orbiter.oci.reference import parse_reference
from orbiter.oci.registry import Repository, read_first
from orbiter.store.store import Store
from resolvers.cache import CACHE_HINT, folder
from resolvers.scratch import scratch_folder


def load_base(reference: str, digest: str) -> None:
    """Load the image with this digest, unless the engine has it; ``reference`` names it."""
    if local_images.is_pulled(reference, digest):
        return
    store = Store()
    _download(reference, digest, store)
    parsed = parse_reference(reference)
    with scratch_folder(folder("assembly"), "new-", CACHE_HINT) as scratch:
        layout, archive = scratch / "layout", scratch / "image.tar"
        layout.mkdir()
        name = f"{parsed.registry}/{parsed.repository}@{digest}"
        write_layout(digest, store, layout, name=name)
        _pack(layout, archive)
        local_images.load_image(archive)


def _download(reference: str, digest: str, store: Store) -> None:
    """Put all parts of an image that the store lacks into it."""
    repositories = sources(reference, mirrors=client.mirrors(), credentials=client.credentials)
    manifest = read_first(repositories, lambda each: each.manifest(digest), reference)
    store.add(manifest, digest, name=f"the manifest of {reference}")
    for blob in image_blobs(manifest, digest)[1:]:
        if not store.has(blob.digest, blob.size):
            read_first(repositories, partial(_download_blob, store, blob), reference)


def _download_blob(store: Store, blob: Blob, repository: Repository) -> None:
    source = partial(repository.blob, blob.digest)
    store.download(blob.digest, source, name=repository.name, size=blob.size)


def _pack(layout: Path, archive: Path) -> None:
    with tarfile.open(archive, "w") as tar:
        tar.add(layout, arcname=".")
