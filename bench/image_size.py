"""The compressed size of an image by layer, and which packages and folders in it are the largest.

    python bench/image_size.py ARCHIVE [TAG]

ARCHIVE is what ``orbiter build --output FOLDER`` keeps; the sum is what a registry holds and a pull
transfers. With the TAG of the loaded image, the largest packages and folders of its file system follow, in MB.
"""

import json
import subprocess
import sys
import tarfile
from typing import Any

ORIGINAL = 292.97
"""MB, the best of the original Orbiter."""
FOLDERS = "du -xm -d 4 / 2>/dev/null | sort -rn | head -20"
PACKAGES = r"""
import csv, json, pathlib, re
found = {}
def add(name, size):
    found[name] = found.get(name, 0) + size
for record in pathlib.Path("/opt/env").glob("lib/python3*/site-packages/*.dist-info/RECORD"):
    for path, *_ in csv.reader(record.open()):
        file = record.parent.parent / path
        if file.is_file():
            add("pip " + record.parent.name.partition("-")[0], file.stat().st_size)
for folder in pathlib.Path("/opt/env/lib/npm/node_modules").glob("*"):
    for file in folder.rglob("*"):
        if file.is_file() and not file.is_symlink():
            add("npm " + folder.name, file.stat().st_size)
for record in pathlib.Path("/opt/env/conda-meta").glob("*.json"):
    package = json.loads(record.read_text())
    for each in package["files"]:
        file = pathlib.Path("/opt/env", each)
        if file.is_file() and not file.is_symlink():
            add("conda " + package["name"], file.stat().st_size)
for database in ("/lib/apk/db/installed", "/usr/lib/apk/db/installed"):
    if pathlib.Path(database).exists():
        for name, size in re.findall(r"^P:(.*)$(?:\n.+)*?\nI:(\d+)$", pathlib.Path(database).read_text(), re.M):
            add("apk " + name, int(size))
if pathlib.Path("/var/lib/dpkg/status").exists():
    for name in pathlib.Path("/var/lib/dpkg/info").glob("*.list"):
        files = [pathlib.Path(each) for each in name.read_text().splitlines()]
        sizes = [file.stat().st_size for file in files if file.is_file() and not file.is_symlink()]
        add("apt " + name.stem.partition(":")[0], sum(sizes))
for name, size in sorted(found.items(), key=lambda each: -each[1])[:20]:
    print(f"{size / 1e6:8.1f}  {name}")
"""
"""Runs inside the image, with its own Python."""


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
        inside = ["docker", "run", "--rm", "--network=none", "--user", "0", "--entrypoint", ""]
        subprocess.run([*inside, tag, "python3", "-c", PACKAGES], check=True)
        subprocess.run([*inside, tag, "sh", "-c", FOLDERS], check=True)


def read_layers(archive: str) -> list[tuple[str, int]]:
    """What made each layer, and its compressed size in bytes."""
    with tarfile.open(archive) as tar:
        manifest = read(tar, json_of(tar, "index.json")["manifests"][0]["digest"])
        config = read(tar, manifest["config"]["digest"])
    made_by = [
        step.get("created_by", "?") for step in config["history"] if not step.get("empty_layer")
    ]
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
