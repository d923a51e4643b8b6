"""What Python byte-code is worth in an image: its compressed size, and the time until JupyterLab answers.

    python bench/bytecode.py dorgeln/orbiter:debian-base-0.1.0

Builds variants of a built image (no byte-code, that of the system's Python, that of /opt/env, both), compiled
with hash-based invalidation and a fixed hash seed, and starts each in turn, in fresh containers.
"""

import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

import docker

ROUNDS = 5
SYSTEM, ENVIRONMENT = "/usr/lib/python3*", "/opt/env/lib/python3*"
VARIANTS = {
    "none": "",
    "system": SYSTEM,
    "environment": ENVIRONMENT,
    "both": f"{SYSTEM} {ENVIRONMENT}",
}
COMPILE = "PYTHONHASHSEED=0 python3 -m compileall -q -j 0 --invalidation-mode unchecked-hash"
COMPRESSION = "oci-mediatypes=true,rewrite-timestamp=true,compression=zstd,compression-level=19"


def main(image: str) -> None:
    """Print a line a variant: what it adds to the image, and the median start."""
    with tempfile.TemporaryDirectory() as folder:
        sizes = {name: build(image, name, paths, Path(folder)) for name, paths in VARIANTS.items()}
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in VARIANTS}
    for _ in range(ROUNDS):
        for name, runs in found.items():
            runs.append(start(f"orbiter-bench:{name}"))
    print(f"{'byte-code':12} {'image':>9} {'more':>8}   start: median (best)     CPU until then")
    for name, runs in found.items():
        seconds, cpu = zip(*runs, strict=True)
        print(
            f"{name:12} {sizes[name] / 1e6:6.1f} MB {(sizes[name] - sizes['none']) / 1e6:5.1f} MB"
            f"   {statistics.median(seconds):6.2f} s ({min(seconds):.2f} s)      {statistics.median(cpu):6.2f} s"
        )


def build(image: str, name: str, paths: str, folder: Path) -> int:
    """Build and load a variant; gives the size of its compressed archive in bytes."""
    command = f"{COMPILE} {paths} || true" if paths else "true"
    archive = folder / f"{name}.tar"
    text = f"FROM {image}\nUSER 0\nRUN --network=none {command}\nUSER 1000\n"
    words = [
        "docker",
        "buildx",
        "build",
        "--quiet",
        "--provenance=false",
        "--tag",
        f"orbiter-bench:{name}",
    ]
    words += [
        "--build-arg",
        "SOURCE_DATE_EPOCH=1",
        "--output",
        f"type=docker,dest={archive},{COMPRESSION}",
        "-",
    ]
    subprocess.run(words, input=text, text=True, check=True, stdout=subprocess.DEVNULL)
    subprocess.run(
        ["docker", "load", "--quiet", "--input", archive], check=True, stdout=subprocess.DEVNULL
    )
    return archive.stat().st_size


def start(tag: str) -> tuple[float, float]:
    """Seconds from `docker run` until JupyterLab answers in a fresh container, and CPU seconds it took inside."""
    began = time.monotonic()
    words = ["docker", "run", "--detach", "--rm", "--init", "--publish", "127.0.0.1::8888", tag]
    container = subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()
    try:
        port = subprocess.run(
            ["docker", "port", container, "8888"], capture_output=True, text=True, check=True
        )
        address = f"http://{port.stdout.split()[0]}/api"
        while not answers(address):
            time.sleep(0.02)
        seconds = time.monotonic() - began
        usage = docker.from_env().api.stats(container, stream=False, one_shot=True)["cpu_stats"][
            "cpu_usage"
        ]
        return seconds, usage["total_usage"] / 1e9
    finally:
        subprocess.run(
            ["docker", "rm", "--force", container], check=True, stdout=subprocess.DEVNULL
        )


def answers(address: str) -> bool:
    """Does the server answer?"""
    try:
        with urllib.request.urlopen(address, timeout=5):
            return True
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


if __name__ == "__main__":
    main(*sys.argv[1:])
