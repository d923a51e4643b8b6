"""The layers of base images in the store, as images share them with the registry."""

from typing import Any

import msgspec

from orbiter.assembly.assemble import BaseLayers
from orbiter.assembly.image import Layer
from orbiter.oci.base_image import Blob, image_blobs
from orbiter.store.store import Store
from resolvers.errors import ExpectedError

MEDIA_TYPES = {
    "application/vnd.docker.image.rootfs.diff.tar": "application/vnd.oci.image.layer.v1.tar",
    "application/vnd.docker.image.rootfs.diff.tar.gzip": (
        "application/vnd.oci.image.layer.v1.tar+gzip"
    ),
    "application/vnd.docker.image.rootfs.diff.tar.zstd": (
        "application/vnd.oci.image.layer.v1.tar+zstd"
    ),
}
"""The types of OCI for those of Docker; the bytes are the same."""


def base_layers(digest: str, store: Store) -> BaseLayers:
    """Return the layers of the base image with this manifest, which the store has.

    Raises ExpectedError if a file is missing or changed.
    """
    manifest = store.verify(digest, "the manifest of the base image").read_bytes()
    _, config_blob, *layer_blobs = image_blobs(manifest, digest)
    path = store.verify(config_blob.digest, "the configuration of the base image")
    config: dict[str, Any] = msgspec.json.decode(path.read_bytes())
    diff_ids = config["rootfs"]["diff_ids"]
    if len(diff_ids) != len(layer_blobs):
        raise ExpectedError(
            f"the base image {digest} has {len(layer_blobs)} layers, "
            f"but its configuration lists {len(diff_ids)}",
            "choose another base image",
        )
    layers = (
        _layer(blob, diff_id, store) for blob, diff_id in zip(layer_blobs, diff_ids, strict=True)
    )
    return BaseLayers(tuple(layers), config)


def _layer(blob: Blob, diff_id: str, store: Store) -> Layer:
    return Layer(
        diff_id=diff_id,
        digest=blob.digest,
        size=blob.size,
        media_type=MEDIA_TYPES.get(blob.media_type, blob.media_type),
        path=store.path(blob.digest),
    )
