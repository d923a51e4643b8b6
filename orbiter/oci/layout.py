"""OCI image layouts, written from the blobs of the store."""

from pathlib import Path

import msgspec

from orbiter.oci import registry
from orbiter.store.store import Store


def oci_layout(digest: str, store: Store, folder: Path) -> None:
    """Lay the base image with this manifest out as an OCI image layout of hard links, every byte verified.

    Format: https://github.com/opencontainers/image-spec/blob/main/image-layout.md
    """
    parts = registry.blobs(
        store.verify(digest, "the manifest of the base image").read_bytes(), digest
    )
    blobs = folder / "blobs" / "sha256"
    store.link_all((part.digest, blobs / part.digest.partition(":")[2]) for part in parts)
    manifest = {"mediaType": parts[0].media_type, "digest": digest, "size": parts[0].size}
    index = {"schemaVersion": 2, "manifests": [manifest]}
    (folder / "index.json").write_bytes(msgspec.json.encode(index))
    (folder / "oci-layout").write_bytes(msgspec.json.encode({"imageLayoutVersion": "1.0.0"}))
