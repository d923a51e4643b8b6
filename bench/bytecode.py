"""Measure the value of Python byte-code in an image: its size and the start time of JupyterLab.

    python -m bench.bytecode dorgeln/orbiter:debian-base-0.1.0

Builds variants of an image: without byte-code, with byte-code of the system's Python, of /opt/env,
and of both. It is compiled with hash-based invalidation and a fixed hash seed. All variants are
started in turn, each time in a new container.
"""

import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import NamedTuple

from docker import from_env

from bench.support.programs import docker

ROUNDS = 5
SYSTEM, ENVIRONMENT = "/usr/lib/python3*", "/opt/env/lib/python3*"
VARIANTS = {
    "none": "",
    "system": SYSTEM,
    "environment": ENVIRONMENT,
    "both": f"{SYSTEM} {ENVIRONMENT}",
}
"""The folders that each variant compiles."""
COMPILE = "PYTHONHASHSEED=0 python3 -m compileall -q -j 0 --invalidation-mode unchecked-hash"
COMPRESSION = "oci-mediatypes=true,rewrite-timestamp=true,compression=zstd,compression-level=19"


class Start(NamedTuple):
    """One start of a container: wall time until JupyterLab answers, and the CPU time until then."""

    seconds: float
    cpu_seconds: float


def main(image: str = "") -> None:
    """Print the added size and the median start of each variant."""
    if not image:
        print("skipped: name an IMAGE that is loaded in the Docker engine")
        return
    with tempfile.TemporaryDirectory() as name:
        sizes = {variant: build(image, variant, Path(name)) for variant in VARIANTS}
    starts: dict[str, list[Start]] = {variant: [] for variant in VARIANTS}
    for _ in range(ROUNDS):
        for variant in VARIANTS:
            starts[variant].append(start(f"orbiter-bench:{variant}"))
    print(f"{'byte-code':12} {'image':>9} {'added':>8}   start: median (best)     CPU until then")
    for variant, size in sizes.items():
        print_variant(variant, size, size - sizes["none"], starts[variant])


def print_variant(variant: str, size: int, added: int, starts: list[Start]) -> None:
    """Print the figures of a variant; sizes are in bytes."""
    seconds = [each.seconds for each in starts]
    cpu = statistics.median(each.cpu_seconds for each in starts)
    median, best = statistics.median(seconds), min(seconds)
    image = f"{variant:12} {size / 1e6:6.1f} MB {added / 1e6:5.1f} MB"
    print(f"{image}   {median:6.2f} s ({best:.2f} s)      {cpu:6.2f} s")


def build(image: str, variant: str, folder: Path) -> int:
    """Build and load a variant, and return the size of its compressed archive in bytes."""
    folders = VARIANTS[variant]
    command = f"{COMPILE} {folders} || true" if folders else "true"
    dockerfile = f"FROM {image}\nUSER 0\nRUN --network=none {command}\nUSER 1000\n"
    archive = folder / f"{variant}.tar"
    flags = ["--quiet", "--provenance=false", "--build-arg", "SOURCE_DATE_EPOCH=1"]
    flags += ["--tag", f"orbiter-bench:{variant}"]
    flags += ["--output", f"type=docker,dest={archive},{COMPRESSION}"]
    words = ["docker", "buildx", "build", *flags, "-"]
    subprocess.run(words, input=dockerfile, text=True, check=True, stdout=subprocess.DEVNULL)
    docker("load", "--quiet", "--input", str(archive))
    return archive.stat().st_size


def start(tag: str) -> Start:
    """Start a new container and measure until JupyterLab answers."""
    began = time.monotonic()
    publish = ["--publish", "127.0.0.1::8888"]
    container = docker("run", "--detach", "--rm", "--init", *publish, tag)
    try:
        address = docker("port", container, "8888").split()[0]
        while not answers(f"http://{address}/api"):
            time.sleep(0.02)
        seconds = time.monotonic() - began
        stats = from_env().api.stats(container, stream=False, one_shot=True)
        nanoseconds = stats["cpu_stats"]["cpu_usage"]["total_usage"]
        return Start(seconds, nanoseconds / 1e9)
    finally:
        docker("rm", "--force", container)


def answers(address: str) -> bool:
    """Return True if the server answers."""
    try:
        with urllib.request.urlopen(address, timeout=5):
            return True
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


if __name__ == "__main__":
    main(*sys.argv[1:])
