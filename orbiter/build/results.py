"""Images that were assembled before, by the key of their inputs.

``images/<key>.json`` in the cache has the manifest and the configuration of an image without the
labels of its lock set. So an unchanged image needs neither BuildKit nor an engine.
"""

from pathlib import Path
from typing import Any

import msgspec

from orbiter.assembly.blobs import Blobs
from orbiter.assembly.image import AssembledImage, Layer
from orbiter.lockset.record import RecordedBuilder
from orbiter.oci.registry import sha256
from orbiter.store.store import Store
from resolvers import cache


class Result(msgspec.Struct, frozen=True):
    """An image, and the versions of the builder that made its stages."""

    image: AssembledImage
    builder: RecordedBuilder


class _Saved(msgspec.Struct, frozen=True):
    """A result as JSON; the paths of layers depend on the machine."""

    platform: str
    manifest: bytes
    config: bytes
    diff_ids: tuple[str, ...]
    builder: RecordedBuilder


class Results:
    """The results in the cache."""

    def __init__(self, blobs: Blobs, store: Store) -> None:
        self._blobs = blobs
        self._store = store
        self._folder = cache.folder("assembly", "images")

    def find(self, key: str) -> Result | None:
        """Return the result for a key; None if it or one of its files is missing."""
        try:
            saved = msgspec.json.decode(self._path(key).read_bytes(), type=_Saved)
            manifest = msgspec.json.decode(saved.manifest)
            layers = tuple(
                self._layer(descriptor, diff_id)
                for descriptor, diff_id in zip(manifest["layers"], saved.diff_ids, strict=True)
            )
        except (OSError, ValueError, LookupError, TypeError):
            return None
        if manifest["config"]["digest"] != sha256(saved.config):
            return None
        image = AssembledImage(
            platform=saved.platform, manifest=saved.manifest, config=saved.config, layers=layers
        )
        return Result(image, saved.builder)

    def _layer(self, descriptor: Any, diff_id: str) -> Layer:
        """Return a layer. Raises OSError if its file is missing, and ValueError for another."""
        digest, size = descriptor["digest"], descriptor["size"]
        path = self._blobs.path(digest)
        if not path.exists():
            path = self._store.path(digest)  # a layer of a base image
        if path.stat().st_size != size:
            raise ValueError(f"{path} has another size")
        media_type = descriptor["mediaType"]
        return Layer(diff_id=diff_id, digest=digest, size=size, media_type=media_type, path=path)

    def save(self, key: str, result: Result) -> None:
        """Keep a result under its key."""
        image = result.image
        saved = _Saved(
            platform=image.platform,
            manifest=image.manifest,
            config=image.config,
            diff_ids=tuple(layer.diff_id for layer in image.layers),
            builder=result.builder,
        )
        cache.write(self._path(key), msgspec.json.encode(saved))

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}.json"
