"""Images as OCI layouts in folders and archives, and changes to them."""

import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from orbiter.assembly.archive import write_archive
from orbiter.assembly.image import AssembledImage
from orbiter.oci.layout import blob_path
from orbiter.oci.registry import sha256
from tests.support.oci_images import COMPRESSIONS


def write_layout(image: AssembledImage, folder: Path) -> Path:
    """Write an image as a layout in a folder, and return the folder."""
    archive = folder.with_suffix(".tar")
    write_archive(archive, "example.org/image:1", [image], None)
    unpack(archive, folder)
    return folder


def unpack(archive: Path, folder: Path) -> None:
    """Unpack an archive that a test made."""
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")


class Layout:
    """A layout in a folder whose image a test changes. Digests are made again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        index = json.loads((folder / "index.json").read_bytes())
        self.manifest = self._json(index["manifests"][0]["digest"])
        self.config = self._json(self.manifest["config"]["digest"])

    def _json(self, digest: str) -> dict[str, Any]:
        return dict(json.loads((self.folder / blob_path(digest)).read_bytes()))

    def layer(self, position: int) -> Path:
        """Return the blob of a layer."""
        return self.folder / blob_path(self.manifest["layers"][position]["digest"])

    def add_layer(self, tar: bytes, created_by: str = "") -> None:
        """Add a layer on top of the others."""
        self.manifest["layers"].append({})
        self.config["rootfs"]["diff_ids"].append("")
        if created_by:
            self.config.setdefault("history", []).append({"created_by": created_by})
        self.replace_layer(len(self.manifest["layers"]) - 1, tar)

    def replace_layer(self, position: int, tar: bytes) -> None:
        """Replace a layer by a tar file."""
        content = COMPRESSIONS["none"](tar)
        self.config["rootfs"]["diff_ids"][position] = sha256(tar)
        self.manifest["layers"][position] = {
            "mediaType": "application/vnd.oci.image.layer.v1.tar",
            "digest": self._write(content),
            "size": len(content),
        }

    def _write(self, content: bytes) -> str:
        path = self.folder / blob_path(sha256(content))
        path.unlink(missing_ok=True)  # never write through a hard link
        path.write_bytes(content)
        return sha256(content)

    def save(self, change: Callable[[dict[str, Any]], None] = lambda _config: None) -> Path:
        """Write the configuration, the manifest and the index; return the folder."""
        change(self.config)
        config = json.dumps(self.config).encode()
        self.manifest["config"] |= {"digest": self._write(config), "size": len(config)}
        manifest = json.dumps(self.manifest).encode()
        descriptor = {
            "mediaType": self.manifest["mediaType"],
            "digest": self._write(manifest),
            "size": len(manifest),
        }
        index = {"schemaVersion": 2, "manifests": [descriptor]}
        (self.folder / "index.json").write_text(json.dumps(index))
        (self.folder / "manifest.json").unlink(missing_ok=True)
        return self.folder
