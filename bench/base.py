"""Compare a base made of Debian packages with mmdebstrap's minbase of the same suite.

    python -m bench.base

Needs root, mmdebstrap and zstd. Prints seconds, sizes and ratios. Both programs have their packages
on disk before the clock starts. Both compress with zstd, at Orbiter's level and with two threads.
For the sizes, the files of each base are one compressed tar file. The size of
``debian:trixie-slim`` in this form is printed as well.
"""

import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from bench.support.programs import docker, orbiter, seconds, silent
from orbiter.assembly.assemble import COMPRESSORS
from orbiter.assembly.compression import ZSTD_LEVEL
from orbiter.assembly.image import Layer
from orbiter.build.build import build
from orbiter.build.options import BuildOptions
from orbiter.lockset.folder import read
from orbiter.release.layers import read_members
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
    """Lock once, make both bases in turn, and compare the best times and the sizes."""
    if not (shutil.which("mmdebstrap") and shutil.which("zstd")):
        print("skipped: mmdebstrap and zstd are not both installed")
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["ORBITER_CACHE_DIR"] = str(folder / "cache")
        (folder / "images.toml").write_text(IMAGES)
        orbiter(folder, "lock", "-q")
        export_packages(folder)
        compare(folder)


def compare(folder: Path) -> None:
    """Make both bases in turn and print the results."""
    orbiter_times, mmdebstrap_times = [], []
    for _ in range(ROUNDS):
        mmdebstrap_times.append(seconds(partial(run_mmdebstrap, folder)))
        orbiter_times.append(seconds(partial(run_orbiter, folder)))
    minbase_size = (folder / "minbase.tar.zst").stat().st_size
    print_result("mmdebstrap minbase", minbase_size, min(mmdebstrap_times))
    layers = built_layers(folder)
    size = size_in_one_layer(layers, folder / "layer.tar")
    print_result("orbiter build --image debian", size, min(orbiter_times))
    print_result(f"debian:{SUITE}-slim", slim_size(folder))
    print(f"ratio of the times: {min(orbiter_times) / min(mmdebstrap_times):.2f}")
    size = sum(layer.size for layer in layers)
    print(f"the {len(layers)} layers of the image take {size / 1e6:.1f} MB")


def export_packages(folder: Path) -> None:
    """Link the locked packages into `debs`, under the names that apt gives to its downloads."""
    (folder / "debs").mkdir()
    text = (folder / "locks/0.1.0/debian" / lock_file.FILE).read_text()
    for package in lock_file.parse({lock_file.FILE: text}).package:
        version = package.version.replace(":", "%3a")
        name = f"{package.name}_{version}_{package.architecture}.deb"
        Store().link(f"sha256:{package.sha256}", folder / "debs" / name)


def run_orbiter(folder: Path) -> None:
    """Build the image archive from the store, without layers of an earlier build."""
    shutil.rmtree(folder / "cache/assembly", ignore_errors=True)
    flags = ["-q", "--no-cache", "--no-load", "--output", "out"]
    orbiter(folder, "build", *flags, "--image", "debian")


def run_mmdebstrap(folder: Path) -> None:
    """Make a compressed tar file from a folder of packages."""
    cache = '"$1/var/cache/apt/archives"'
    setup = f"mkdir -p {cache}; cp {folder}/debs/*.deb {cache}/"
    flags = ["--quiet", "--variant=minbase", "--mode=root", f"--setup-hook={setup}"]
    tar = folder / "minbase.tar"
    subprocess.run(["mmdebstrap", *flags, SUITE, str(tar)], check=True)
    compress(tar)


def compress(tar: Path) -> int:
    """Compress a file as Orbiter compresses layers, and return the compressed size in bytes."""
    flags = ["-q", "-f", f"-{ZSTD_LEVEL}", f"-T{COMPRESSORS}"]
    subprocess.run(["zstd", *flags, str(tar)], check=True)
    return tar.with_name(f"{tar.name}.zst").stat().st_size


def built_layers(folder: Path) -> tuple[Layer, ...]:
    """Return the layers of the image that was built last, which are in the cache."""
    options = BuildOptions(images=("debian",), load=False)
    (built,) = build(read(folder / "locks/0.1.0"), options, silent)
    (image,) = built.images
    return image.layers


def size_in_one_layer(layers: Iterable[Layer], target: Path) -> int:
    """Write the files of layers to one tar file, and return its compressed size in bytes."""
    folders = set()
    with tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as merged:
        for layer in layers:
            for tar, member in read_members(layer):
                # Each layer has the folders above its files.
                if member.name not in folders:
                    merged.addfile(member, tar.extractfile(member) if member.isreg() else None)
                if member.isdir():
                    folders.add(member.name)
    return compress(target)


def slim_size(folder: Path) -> int:
    """Return the compressed size of the common base image, with its files in one layer."""
    image = f"debian:{SUITE}-slim"
    docker("pull", "-q", image)
    container = docker("create", image)
    try:
        docker("export", "-o", str(folder / "slim.tar"), container)
    finally:
        docker("rm", container)
    return compress(folder / "slim.tar")


def print_result(title: str, size: int, duration: float | None = None) -> None:
    """Print a size and, if it was measured, a duration."""
    time = f" {duration:6.1f} s" if duration is not None else ""
    print(f"{title:30} {size / 1e6:6.1f} MB{time}")


if __name__ == "__main__":
    main()
