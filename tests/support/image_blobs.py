"""Images whose configuration and layers are files, as a push needs them."""

import gzip
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from orbiter.oci.push import BlobFile, ImageManifest
from orbiter.oci.registry import OCI_INDEX, OCI_MANIFEST

CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


def write_blob(folder: Path, content: bytes, media_type: str = LAYER) -> BlobFile:
    """Write a file named by its digest."""
    hexadecimal = hashlib.sha256(content).hexdigest()
    path = folder / hexadecimal
    path.write_bytes(content)
    return BlobFile(f"sha256:{hexadecimal}", len(content), media_type, path)


def write_image(
    folder: Path,
    tars: Sequence[bytes],
    architecture: str = "amd64",
    level: int = 6,
    labels: Mapping[str, str] | None = None,
) -> ImageManifest:
    """Write the blobs of an image with these layers, compressed by gzip."""
    config = {
        "os": "linux",
        "architecture": architecture,
        "config": {"Cmd": ["/file"], "Labels": labels or {}},
        "rootfs": {
            "type": "layers",
            "diff_ids": [f"sha256:{hashlib.sha256(tar).hexdigest()}" for tar in tars],
        },
    }
    layers = [write_blob(folder, gzip.compress(tar, level, mtime=0)) for tar in tars]
    blobs = (write_blob(folder, json.dumps(config).encode(), CONFIG), *layers)
    descriptors = [
        {"mediaType": blob.media_type, "digest": blob.digest, "size": blob.size} for blob in blobs
    ]
    content = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": descriptors[0],
            "layers": descriptors[1:],
        }
    ).encode()
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    return ImageManifest(digest, content, OCI_MANIFEST, blobs)


def index_of(images: Sequence[ImageManifest]) -> bytes:
    """Return the index of images for several platforms."""
    manifests = []
    for image in images:
        config = json.loads(image.blobs[0].path.read_bytes())
        platform = {key: config[key] for key in ("os", "architecture")}
        descriptor = {"mediaType": image.media_type, "digest": image.digest}
        manifests.append({**descriptor, "size": len(image.content), "platform": platform})
    return json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": manifests}).encode()
