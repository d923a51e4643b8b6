"""OCI image layouts: the names of their files, and layouts made from the store.

Format: https://github.com/opencontainers/image-spec/blob/main/image-layout.md
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from orbiter.oci.base_image import image_blobs
from orbiter.oci.registry import OCI_INDEX
from orbiter.store.store import Store

LAYOUT_FILE = "oci-layout"
LAYOUT = b'{"imageLayoutVersion":"1.0.0"}'
INDEX_FILE = "index.json"
IMAGE_NAME = "io.containerd.image.name"
"""Annotation that the Docker engine and containerd read."""
BLOBS = "blobs/sha256/"


def blob_path(digest: str) -> str:
    """Return the path of a blob inside a layout; its digest is ``sha256:<hex>``."""
    return BLOBS + digest.partition(":")[2]


def encode_index(manifests: Sequence[Mapping[str, object]]) -> bytes:
    """Return the text of index.json, which lists these manifests."""
    index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": manifests}
    return msgspec.json.encode(index)


def write_layout(digest: str, store: Store, folder: Path, *, name: str = "") -> None:
    """Write the image with this manifest as a layout of hard links into the store.

    ``name`` is the name that the Docker engine gives the image. Verifies every byte. Raises
    ExpectedError if a blob is missing or changed.
    """
    manifest = store.verify(digest, "the manifest of the base image")
    blobs = image_blobs(manifest.read_bytes(), digest)
    store.link_all((blob.digest, folder / blob_path(blob.digest)) for blob in blobs)
    descriptor: dict[str, object] = {
        "mediaType": blobs[0].media_type,
        "digest": digest,
        "size": blobs[0].size,
    }
    if name:
        descriptor["annotations"] = {IMAGE_NAME: name}
    (folder / INDEX_FILE).write_bytes(encode_index([descriptor]))
    (folder / LAYOUT_FILE).write_bytes(LAYOUT)
