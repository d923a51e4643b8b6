"""The contents of layers that were read before, in the cache.

``scans/<hex>-<platform>-<format>`` is a LayerScan in MessagePack. ``<hex>`` is the layer's diff ID.
"""

from contextlib import suppress

import msgspec

from orbiter.assembly.image import Layer
from orbiter.release.image_scan import LayerScan, scan_layer
from orbiter.render.model import platform_slug
from resolvers import cache

FORMAT = 1
"""Increase it when ``scan_layer`` finds something else in the same layer."""


def read_scan(layer: Layer, platform: str) -> LayerScan:
    """Return the contents of a layer, and keep them for later runs."""
    layer_hex = layer.diff_id.partition(":")[2]
    path = cache.folder("assembly", "scans") / f"{layer_hex}-{platform_slug(platform)}-{FORMAT}"
    with suppress(OSError, msgspec.MsgspecError):
        return msgspec.msgpack.decode(path.read_bytes(), type=LayerScan)
    scan = scan_layer(layer, platform)
    # A path that is not UTF-8 has no MessagePack. Such a layer is read again each time.
    with suppress(UnicodeEncodeError):
        cache.write(path, msgspec.msgpack.encode(scan))
    return scan
