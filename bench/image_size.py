"""The compressed size of an image by layer, and what its largest folders are.

    python bench/image_size.py ARCHIVE [TAG]

ARCHIVE is what ``orbiter build --output FOLDER`` keeps; the sum is what a registry holds and a pull
transfers. With the TAG of the loaded image, the largest folders of its file system follow.
"""

import json
import subprocess
import sys
import tarfile
from typing import Any

ORIGINAL = 292.97
"""MB, the best of the original Orbiter."""
FOLDERS = "du -xm --max-depth=4 / 2>/dev/null | sort -rn | head -30"


def main(archive: str = "", tag: str = "") -> None:
    """Print the layers, their sum, and the largest folders."""
    if not archive:
        print("skipped: name an ARCHIVE, which orbiter build --output keeps")
        return
    layers = read_layers(archive)
    for made_by, size in layers:
        print(f"{size / 1e6:8.2f} MB  {made_by}")
    total = sum(size for _, size in layers) / 1e6
    print(f"{total:8.2f} MB  in all, {total / ORIGINAL:.0%} of the original's {ORIGINAL} MB")
    if tag:
        subprocess.run(["docker", "run", "--rm", "--user", "0", tag, "sh", "-c", FOLDERS], check=True)


def read_layers(archive: str) -> list[tuple[str, int]]:
    """What made each layer, and its compressed size in bytes."""
    with tarfile.open(archive) as tar:
        manifest = read(tar, json_of(tar, "index.json")["manifests"][0]["digest"])
        config = read(tar, manifest["config"]["digest"])
    made_by = [step.get("created_by", "?") for step in config["history"] if not step.get("empty_layer")]
    sizes = [layer["size"] for layer in manifest["layers"]]
    return [(words[:80].split("\n")[0], size) for words, size in zip(made_by, sizes, strict=True)]


def read(tar: tarfile.TarFile, digest: str) -> Any:
    """A JSON blob by its digest."""
    return json_of(tar, f"blobs/{digest.replace(':', '/')}")


def json_of(tar: tarfile.TarFile, name: str) -> Any:
    """A JSON file of the archive."""
    file = tar.extractfile(name)
    assert file is not None
    return json.load(file)


if __name__ == "__main__":
    main(*sys.argv[1:])
