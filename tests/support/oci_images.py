"""Images as assembly writes them, with layers in any compression."""

import gzip
import io
import json
import sys
import tarfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from orbiter.assembly.image import AssembledImage, Layer
from orbiter.oci.registry import OCI_MANIFEST, sha256

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

AMD64, ARM64 = "linux/amd64", "linux/arm64"
COMPRESSIONS: Mapping[str, Callable[[bytes], bytes]] = {
    "zstd": zstd.compress,
    "gzip": partial(gzip.compress, mtime=0),  # the time would change the bytes
    "none": bytes,
}
CONFIG = "application/vnd.oci.image.config.v1+json"
TAR = "application/vnd.oci.image.layer.v1.tar"
MEDIA_TYPES: Mapping[str, str] = {"zstd": f"{TAR}+zstd", "gzip": f"{TAR}+gzip", "none": TAR}


def layer(*members: tarfile.TarInfo | tuple[str, bytes]) -> bytes:
    """Return a tar with these entries; a path with content becomes a file."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                tar.addfile(member)
            else:
                path, content = member
                tar.addfile(file(path, size=len(content)), io.BytesIO(content))
    return buffer.getvalue()


def file(path: str, **attributes: Any) -> tarfile.TarInfo:
    """Return a tar entry with these attributes."""
    info = tarfile.TarInfo(path)
    for name, value in attributes.items():
        setattr(info, name, value)
    return info


def write_layer(folder: Path, tar: bytes, compression: str = "zstd") -> Layer:
    """Write a layer as assembly does: a file that is named by the digest of its bytes."""
    content = COMPRESSIONS[compression](tar)
    digest = sha256(content)
    path = folder / digest.partition(":")[2]
    path.write_bytes(content)
    return Layer(
        diff_id=sha256(tar),
        digest=digest,
        size=len(content),
        media_type=MEDIA_TYPES[compression],
        path=path,
    )


def assembled(
    folder: Path,
    *tars: bytes,
    platform: str = AMD64,
    compression: str = "zstd",
    labels: Mapping[str, str] | None = None,
) -> AssembledImage:
    """Return an image of these layers, whose files are in a folder."""
    layers = tuple(write_layer(folder, tar, compression) for tar in tars)
    system, architecture = platform.split("/")[:2]
    config = {
        "os": system,
        "architecture": architecture,
        "config": {"Labels": labels or {}},
        "rootfs": {"type": "layers", "diff_ids": [each.diff_id for each in layers]},
    }
    content = json.dumps(config).encode()
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": _descriptor(CONFIG, sha256(content), len(content)),
        "layers": [_descriptor(each.media_type, each.digest, each.size) for each in layers],
    }
    return AssembledImage(
        platform=platform, manifest=json.dumps(manifest).encode(), config=content, layers=layers
    )


def _descriptor(media_type: str, digest: str, size: int) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": digest, "size": size}
