"""Image archives in BuildKit's layout, with layers in any compression."""

import gzip
import hashlib
import io
import json
import sys
import tarfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

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


def archive(
    path: Path,
    layers: Mapping[str, tuple[bytes, ...]],
    compression: str = "zstd",
    labels: Mapping[str, str] | None = None,
) -> Path:
    """Write an archive with an image of these layers for each platform.

    For several platforms, the index refers to another index.
    """
    blobs: dict[str, bytes] = {}

    def add_blob(content: bytes) -> dict[str, Any]:
        digest = "sha256:" + hashlib.sha256(content).hexdigest()
        blobs[digest] = content
        return {"digest": digest, "size": len(content)}

    manifests = []
    for platform, tars in layers.items():
        system, architecture = platform.split("/")[:2]
        diff_ids = ["sha256:" + hashlib.sha256(tar).hexdigest() for tar in tars]
        config = {
            "os": system,
            "architecture": architecture,
            "config": {"Labels": labels or {}},
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
        }
        manifest = {
            "config": add_blob(json.dumps(config).encode()),
            "layers": [add_blob(COMPRESSIONS[compression](tar)) for tar in tars],
        }
        manifests.append(add_blob(json.dumps(manifest).encode()))
    if len(manifests) > 1:
        manifests = [add_blob(json.dumps({"manifests": manifests}).encode())]
    files = {f"blobs/{digest.replace(':', '/')}": content for digest, content in blobs.items()}
    files["index.json"] = json.dumps({"manifests": manifests}).encode()
    with tarfile.open(path, "w") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path
