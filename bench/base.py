"""A base made of packages, against mmdebstrap's minbase of the same suite: seconds, bytes, and their ratios.

Run it as ``python -m bench.base``, as root and where mmdebstrap and zstd are installed. Both have their packages at
hand before they are timed, and both end with one compressed file (zstd, level 19). The image ``debian:trixie-slim``
is weighed beside them, compressed alike.
"""

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from bench.image_size import read_layers
from orbiter.release import layers
from orbiter.store.store import Store
from resolvers.apt import lock_file

SUITE = "trixie"
ROUNDS = 2
IMAGES = f"""
version = "0.1.0"
repository = "orbiter-bench/base"
[builder.debian]
from = {{ debian = "{SUITE}" }}
[image.debian.core]
"""


def main() -> None:
    """Lock once, make each base in turn, compare the best times and the sizes."""
    if not (shutil.which("mmdebstrap") and shutil.which("zstd")):
        print("skipped: mmdebstrap and zstd are not both installed")
        return
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        os.environ["ORBITER_CACHE_DIR"] = str(place / "cache")
        (place / "images.toml").write_text(IMAGES)
        orbiter(place, "lock", "-q")
        carry(place)
        ours, theirs = [], []
        for _ in range(ROUNDS):
            theirs.append(seconds(partial(minbase, place)))
            ours.append(seconds(partial(made, place)))
        report("mmdebstrap minbase", (place / "minbase.tar.zst").stat().st_size, min(theirs))
        report("orbiter build --image debian", alike(place), min(ours))
        report(f"debian:{SUITE}-slim", slim(place))
        print(f"ratio of the times: {min(ours) / min(theirs):.2f}")
        print(
            f"BuildKit compresses the layer to {sum(size for _, size in read_layers(archive(place))) / 1e6:.1f} MB"
        )


def orbiter(place: Path, *words: str) -> None:
    """Run Orbiter there."""
    subprocess.run(
        [sys.executable, "-m", "orbiter", *words], cwd=place, check=True, stdout=subprocess.DEVNULL
    )


def carry(place: Path) -> None:
    """The locked packages out of the store, named as apt keeps what it downloaded."""
    (place / "debs").mkdir()
    lock = lock_file.parse(
        {lock_file.FILE: (place / "locks/0.1.0/debian" / lock_file.FILE).read_text()}
    )
    for package in lock.package:
        name = f"{package.name}_{package.version.replace(':', '%3a')}_{package.architecture}.deb"
        Store().link(f"sha256:{package.sha256}", place / "debs" / name)


def made(place: Path) -> None:
    """Ours: from the store to an image archive."""
    orbiter(place, "build", "-q", "--image", "debian", "--no-cache", "--no-load", "--output", "out")


def archive(place: Path) -> str:
    """What ``made`` made."""
    return str(place / "out/debian-0.1.0.tar")


def minbase(place: Path) -> None:
    """Theirs: from a folder of packages to a compressed tar file."""
    fill = (
        f'mkdir -p "$1/var/cache/apt/archives"; cp {place}/debs/*.deb "$1/var/cache/apt/archives/"'
    )
    words = ["mmdebstrap", "--quiet", "--variant=minbase", "--mode=root", f"--setup-hook={fill}"]
    subprocess.run([*words, SUITE, str(place / "minbase.tar")], check=True)
    compress(place / "minbase.tar")


def compress(tar: Path) -> int:
    """Compress a file as Orbiter's layers are; gives its size then."""
    subprocess.run(["zstd", "-q", "-f", "-19", "-T0", str(tar)], check=True)
    return tar.with_name(f"{tar.name}.zst").stat().st_size


def alike(place: Path) -> int:
    """The size of our one layer, compressed by the same program as theirs."""
    (image,) = layers.read_images(Path(archive(place))).values()
    with tarfile.open(archive(place)) as tar:
        blob = tar.extractfile(f"blobs/{image.layers[0].digest.replace(':', '/')}")
        assert blob is not None
        (place / "ours.tar.zst").write_bytes(blob.read())
    subprocess.run(["zstd", "-q", "-d", "-f", str(place / "ours.tar.zst")], check=True)
    return compress(place / "ours.tar")


def slim(place: Path) -> int:
    """The size of the base image that most take, its files in one layer."""
    image = f"debian:{SUITE}-slim"
    subprocess.run(["docker", "pull", "-q", image], check=True, stdout=subprocess.DEVNULL)
    name = subprocess.run(
        ["docker", "create", image], check=True, capture_output=True, text=True
    ).stdout.strip()
    try:
        subprocess.run(["docker", "export", "-o", str(place / "slim.tar"), name], check=True)
    finally:
        subprocess.run(["docker", "rm", name], check=True, stdout=subprocess.DEVNULL)
    return compress(place / "slim.tar")


def seconds(run: Callable[[], None]) -> float:
    """How long it takes."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def report(what: str, size: int, took: float = 0.0) -> None:
    """One line of the result."""
    print(f"{what:30} {size / 1e6:6.1f} MB {f'{took:6.1f} s' if took else ''}".rstrip())


if __name__ == "__main__":
    main()
