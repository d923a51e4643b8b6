"""The assembled layers and configurations on this machine, in the cache.

``blobs/sha256/<hex>`` are layers and configurations. ``layers/<key>.json`` has the digests of the
layer with certain entries and a certain compression. A file that is missing is made again.
"""

from collections.abc import Iterable
from pathlib import Path

import msgspec

from orbiter.assembly.compression import MEDIA_TYPES, Compressed, compress, describe
from orbiter.assembly.image import Layer
from orbiter.assembly.layer import LayerEntry, layer_key, write_layer
from orbiter.config.layer_keys import Compression
from orbiter.lockset.model import ASSEMBLY
from orbiter.oci.registry import sha256
from orbiter.render.model import LAYER_TIME
from resolvers import cache
from resolvers.scratch import scratch_folder


class Blobs:
    """The blobs in the cache; safe for several processes at the same time."""

    def __init__(self) -> None:
        self.root = cache.folder("assembly")
        self._blobs = cache.folder("assembly", "blobs", "sha256")
        self._layers = cache.folder("assembly", "layers")

    def path(self, digest: str) -> Path:
        """Return the path of a blob, whether it exists or not."""
        return self._blobs / digest.partition(":")[2]

    def add(self, content: bytes) -> Path:
        """Add a small blob and return its path."""
        digest = sha256(content)
        if not self._has(digest, len(content)):
            cache.write(self.path(digest), content)
        return self.path(digest)

    def layer(self, entries: Iterable[LayerEntry], compression: Compression) -> Layer:
        """Return the layer with these entries; write and compress it if it is not known."""
        entries = tuple(entries)
        rules = f"{ASSEMBLY} {describe(compression)}"
        key = sha256(f"{layer_key(entries, LAYER_TIME)} {rules}".encode())
        record = self._layers / f"{key.partition(':')[2]}.json"
        known = self._known(record)
        if known is None:
            known = self._write(entries, compression)
            cache.write(record, msgspec.json.encode(known))
        return Layer(
            diff_id=known.diff_id,
            digest=known.digest,
            size=known.size,
            media_type=MEDIA_TYPES[compression],
            path=self.path(known.digest),
        )

    def _known(self, record: Path) -> Compressed | None:
        try:
            known = msgspec.json.decode(record.read_bytes(), type=Compressed)
        except (OSError, msgspec.MsgspecError):
            return None
        return known if self._has(known.digest, known.size) else None

    def _has(self, digest: str, size: int) -> bool:
        try:
            return self.path(digest).stat().st_size == size
        except FileNotFoundError:
            return False

    def _write(self, entries: tuple[LayerEntry, ...], compression: Compression) -> Compressed:
        # A new file gets its name when it is complete, so a killed run leaves no broken blob.
        with scratch_folder(self.root, "new-", cache.CACHE_HINT) as scratch:
            new = scratch / "layer"
            compressed = compress(
                new, compression, lambda target: write_layer(entries, LAYER_TIME, target)
            )
            new.replace(self.path(compressed.digest))
        return compressed
