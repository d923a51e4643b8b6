"""Base images in the store, made by tests, and a lock set that starts from one."""

import gzip
import json
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from orbiter.lockset.inputs import inputs_digest
from orbiter.lockset.model import LockSet
from orbiter.oci.registry import sha256
from orbiter.store.store import Store
from tests.support.lock_sets import rendered, small
from tests.support.oci_images import AMD64

DOCKER = "application/vnd.docker"
HISTORY = {"created": "2026-01-01T00:00:00Z", "created_by": "ADD rootfs.tar /"}


def store_base_image(
    tars: Sequence[bytes], store: Store, config: Mapping[str, Any] | None = None
) -> str:
    """Add an image with these layers, as Docker pushes it, and return its digest.

    ``config`` replaces keys of its configuration.
    """
    layers = [gzip.compress(tar, mtime=0) for tar in tars]
    document = {
        "os": "linux",
        "architecture": "amd64",
        "history": [HISTORY] * len(tars),
        "rootfs": {"type": "layers", "diff_ids": [sha256(tar) for tar in tars]},
        **(config or {}),
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": f"{DOCKER}.distribution.manifest.v2+json",
        "config": _add(f"{DOCKER}.container.image.v1+json", json.dumps(document).encode(), store),
        "layers": [_add(f"{DOCKER}.image.rootfs.diff.tar.gzip", layer, store) for layer in layers],
    }
    content = json.dumps(manifest).encode()
    store.add(content, sha256(content))
    return sha256(content)


def _add(media_type: str, content: bytes, store: Store) -> dict[str, Any]:
    store.add(content, sha256(content))
    return {"mediaType": media_type, "digest": sha256(content), "size": len(content)}


def lock_set_above(digest: str, **manifest: Any) -> LockSet:
    """Return the small lock set with another base image, and with other keys of its manifest."""
    kept = small()
    builder = kept.image_set.builders["debian"]
    facts = kept.manifest.builders["debian"]
    bases = {AMD64: digest}
    apt = inputs_digest(kept.image_set, builder, "apt", facts, bases)
    builders = {"debian": replace(facts, inputs={**facts.inputs, "apt": apt})}
    sources = {path: text for path, text in kept.files.items() if not path.startswith("build/")}
    keys = {"bases": {builder.base: bases}, "builders": builders, **manifest}
    return rendered(replace(kept.manifest, **keys), sources)
