"""Measure how much of a new image a machine pulls that has an older one.

    python -m bench.pulls

Builds the project's debian-base as its packages were some months ago, with one more pip
requirement, and with newer versions of some pip packages. Prints the share of compressed bytes in
layers that the first image lacks, and the largest ones of them. A last build of the same release
shows how long an unchanged image takes. Needs a Docker engine and a package index.
"""

import json
import os
import random
import re
import shutil
import tarfile
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from bench.builds import ADDED, debian_image_set
from bench.support.programs import orbiter, seconds
from orbiter.lockset.folder import read

OLD = "2026-06-01"
"""The date of the first selection of packages."""
MOVED = 20
"""Number of pip packages that the next release moves."""
GOALS = {"one more requirement": 0.05, f"{MOVED} moved packages": 0.25}
LARGEST = 5
OPTIONS = ("build", "-q", "--image", "debian-base", "--output", "out")


class Layer(NamedTuple):
    """A layer of an archive: its digest, its size in bytes, and its line in the history."""

    digest: str
    size: int
    words: str


def main() -> None:
    """Build the images, and print what changed."""
    images = debian_image_set()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["ORBITER_CACHE_DIR"] = str(folder / "cache")
        write(folder, images, "1.0.0")
        orbiter(folder, "lock", "-q", "--as-of", OLD)
        old = build(folder)
        unchanged = seconds(lambda: orbiter(folder, *OPTIONS))
        print(f"debian-base: {megabytes(old)} in {len(old)} layers; unchanged: {unchanged:.1f} s")

        extended = images.replace('pip = ["@notebooks"]', f'pip = ["@notebooks", "{ADDED}"]')
        write(folder, extended, "1.0.1")
        orbiter(folder, "lock", "-q", "--as-of", OLD)
        compare("one more requirement", old, build(folder))

        write(folder, images, "1.0.1")
        shutil.rmtree(folder / "locks" / "1.0.1")
        orbiter(folder, "lock", "-q", "--upgrade")
        moved = moved_packages(folder)
        shutil.rmtree(folder / "locks" / "1.0.1")
        orbiter(folder, "lock", "-q", *(f"--upgrade-package={name}" for name in moved))
        compare(f"{MOVED} moved packages", old, build(folder))


def write(folder: Path, images: str, version: str) -> None:
    """Write the image set with another version."""
    _, _, rest = images.partition("\nversion = ")
    text = f'version = "{version}"\n' + rest.partition("\n")[2]
    (folder / "images.toml").write_text(text)


def moved_packages(folder: Path) -> list[str]:
    """Return some of the packages that have newer versions, always the same ones for one lock."""
    old, new = (versions(folder / "locks" / release) for release in ("1.0.0", "1.0.1"))
    newer = sorted(name for name in old.keys() & new.keys() if old[name] != new[name])
    return random.Random(0).sample(newer, MOVED)


def versions(release: Path) -> dict[str, str]:
    """Return the versions of the pip packages of a lock set by name."""
    lock = read(release).files["debian/poetry.lock"]
    return dict(re.findall(r'^name = "(.*)"\nversion = "(.*)"$', lock, re.MULTILINE))


def build(folder: Path) -> list[Layer]:
    """Build debian-base, and return its layers."""
    orbiter(folder, *OPTIONS)
    archive = max((folder / "out").iterdir(), key=lambda path: path.stat().st_mtime)
    with tarfile.open(archive) as tar:
        manifest = load(tar, load(tar, "index.json")["manifests"][0]["digest"])
        config = load(tar, manifest["config"]["digest"])
    words = [step["created_by"] for step in config["history"] if not step.get("empty_layer")]
    return [
        Layer(layer["digest"], layer["size"], text)
        for layer, text in zip(manifest["layers"], words, strict=True)
    ]


def load(tar: tarfile.TarFile, name: str) -> Any:
    """Return a JSON document of an archive, by its path or its digest."""
    file = tar.extractfile(name.replace("sha256:", "blobs/sha256/"))
    assert file
    return json.load(file)


def compare(title: str, old: list[Layer], new: list[Layer]) -> None:
    """Print the share of the layers that are not in the old image."""
    known = {layer.digest for layer in old}
    pulled = [layer for layer in new if layer.digest not in known]
    share = sum(layer.size for layer in pulled) / sum(layer.size for layer in new)
    print(f"{title}: pull {share:.1%} of {megabytes(new)} (goal {GOALS[title]:.0%})")
    for layer in sorted(pulled, key=lambda layer: -layer.size)[:LARGEST]:
        print(f"  {megabytes([layer]):>9}  {layer.words}")


def megabytes(layers: list[Layer]) -> str:
    """Return the size of layers."""
    return f"{sum(layer.size for layer in layers) / 1e6:.1f} MB"


if __name__ == "__main__":
    main()
