"""Image archives made by hand, as BuildKit lays them out: layers of tar in any compression."""

import gzip
import hashlib
import io
import json
import sys
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

AMD64, ARM64 = "linux/amd64", "linux/arm64"
COMPRESSIONS: Mapping[str, Callable[[bytes], bytes]] = {
    "zstd": zstd.compress,
    "gzip": gzip.compress,
    "none": bytes,
}


def layer(*members: tarfile.TarInfo | tuple[str, bytes]) -> bytes:
    """A tar of these entries; a path and a content make a file."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for member in members:
            info, content = (
                (member, b"")
                if isinstance(member, tarfile.TarInfo)
                else (file(member[0]), member[1])
            )
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def file(path: str, **facts: Any) -> tarfile.TarInfo:
    """An entry of a tar with these facts."""
    info = tarfile.TarInfo(path)
    for name, value in facts.items():
        setattr(info, name, value)
    return info


def archive(
    path: Path,
    layers: Mapping[str, tuple[bytes, ...]],
    compression: str = "zstd",
    labels: Mapping[str, str] | None = None,
) -> Path:
    """Write an archive with an image of these layers for each platform; several make an index in an index."""
    blobs: dict[str, bytes] = {}

    def put(content: bytes) -> dict[str, Any]:
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
            "config": put(json.dumps(config).encode()),
            "layers": [put(COMPRESSIONS[compression](tar)) for tar in tars],
        }
        manifests.append(put(json.dumps(manifest).encode()))
    if len(manifests) > 1:
        manifests = [put(json.dumps({"manifests": manifests}).encode())]
    files = {f"blobs/{digest.replace(':', '/')}": content for digest, content in blobs.items()}
    files["index.json"] = json.dumps({"manifests": manifests}).encode()
    with tarfile.open(path, "w") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path
