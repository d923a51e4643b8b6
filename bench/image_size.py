"""Print the compressed size of an image by layer, and its largest packages and folders.

    python -m bench.image_size ARCHIVE [TAG]

ARCHIVE is an image archive that ``orbiter build --output FOLDER`` wrote. The sum of the layers is
the size in a registry and of a pull. With the TAG of the loaded image, the program also prints the
largest packages and folders of its file system, in MB.
"""

import json
import subprocess
import sys
import tarfile
from typing import Any

ORIGINAL = 292.97
"""Size of the smallest image of the original Orbiter, in MB."""
FOLDERS = "du -xm -d 4 / 2>/dev/null | sort -rn | head -20"
PACKAGES = r"""
import csv, json, re
from pathlib import Path
sizes = {}
def add(name, size):
    sizes[name] = sizes.get(name, 0) + size
for record in Path("/opt/env").glob("lib/python3*/site-packages/*.dist-info/RECORD"):
    for path, *_ in csv.reader(record.open()):
        file = record.parent.parent / path
        if file.is_file():
            add("pip " + record.parent.name.partition("-")[0], file.stat().st_size)
for folder in Path("/opt/env/lib/npm/node_modules").glob("*"):
    for file in folder.rglob("*"):
        if file.is_file() and not file.is_symlink():
            add("npm " + folder.name, file.stat().st_size)
for record in Path("/opt/env/conda-meta").glob("*.json"):
    package = json.loads(record.read_text())
    for path in package["files"]:
        file = Path("/opt/env", path)
        if file.is_file() and not file.is_symlink():
            add("conda " + package["name"], file.stat().st_size)
for database in map(Path, ("/lib/apk/db/installed", "/usr/lib/apk/db/installed")):
    if database.exists():
        entry = r"^P:(.*)$(?:\n.+)*?\nI:(\d+)$"
        for name, size in re.findall(entry, database.read_text(), re.M):
            add("apk " + name, int(size))
if Path("/var/lib/dpkg/status").exists():
    for record in Path("/var/lib/dpkg/info").glob("*.list"):
        for file in map(Path, record.read_text().splitlines()):
            if file.is_file() and not file.is_symlink():
                add("apt " + record.stem.partition(":")[0], file.stat().st_size)
for name, size in sorted(sizes.items(), key=lambda item: -item[1])[:20]:
    print(f"{size / 1e6:8.1f}  {name}")
"""
"""Program that runs inside the image, with the image's own Python."""


def main(archive: str = "", tag: str = "") -> None:
    """Print the layers and their sum, then the largest packages and folders."""
    if not archive:
        print("skipped: name an ARCHIVE that orbiter build --output wrote")
        return
    layers = read_layers(archive)
    for words, size in layers:
        print(f"{size / 1e6:8.2f} MB  {words}")
    total = sum(size for _, size in layers) / 1e6
    print(f"{total:8.2f} MB  in total, {total / ORIGINAL:.0%} of the original's {ORIGINAL} MB")
    if tag:
        isolation = ["--rm", "--network=none", "--user", "0", "--entrypoint", ""]
        in_image = ["docker", "run", *isolation, tag]
        subprocess.run([*in_image, "python3", "-c", PACKAGES], check=True)
        subprocess.run([*in_image, "sh", "-c", FOLDERS], check=True)


def read_layers(archive: str) -> list[tuple[str, int]]:
    """Return the words of the history for each layer, and its compressed size in bytes."""
    with tarfile.open(archive) as tar:
        manifest = read_blob(tar, read_json(tar, "index.json")["manifests"][0]["digest"])
        config = read_blob(tar, manifest["config"]["digest"])
    steps = [step for step in config["history"] if not step.get("empty_layer")]
    words = [step.get("created_by", "?")[:80].split("\n")[0] for step in steps]
    sizes = [layer["size"] for layer in manifest["layers"]]
    return list(zip(words, sizes, strict=True))


def read_blob(tar: tarfile.TarFile, digest: str) -> Any:
    """Return the JSON value of a blob."""
    return read_json(tar, f"blobs/{digest.replace(':', '/')}")


def read_json(tar: tarfile.TarFile, name: str) -> Any:
    """Return the JSON value of a file in the archive."""
    file = tar.extractfile(name)
    assert file is not None
    return json.load(file)


if __name__ == "__main__":
    main(*sys.argv[1:])
