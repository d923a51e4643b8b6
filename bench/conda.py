"""How long it takes to lock the project's conda lists: by ``orbiter lock``, and to solve them by a bare rattler script.

    python -m bench.conda [FOLDER]

FOLDER is a channel with repodata.json.zst; else the real records among the tests' data. Each run is a process of its
own, from the start of Python to its end; both take turns. The two must find the same packages. A relock is started
from the lock just made: once with nothing to do, once with one requirement more, once with one package to upgrade.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from backports import zstd

from orbiter.locking.base_facts import ASSUMED_GLIBC
from resolvers.conda import manager as conda
from resolvers.types import Target
from tests.support.conda_world import BASE, DATA, GEOSPATIAL

RUNS = 11
ALLOWED = 1.5
BARE = """
import asyncio, os, sys
from rattler import BuildString, Gateway, PackageName, Version, solve
from rattler.virtual_package import GenericVirtualPackage

address, subdir, machine, glibc, *specs = sys.argv[1:]
known = (("__archspec", "1", machine), ("__glibc", glibc, "0"), ("__linux", "5.10", "0"), ("__unix", "0", "0"))
virtual = [GenericVirtualPackage(PackageName(n), Version(v), BuildString(b)) for n, v, b in known]

async def main():
    return await solve([address], specs, gateway=Gateway(), platforms=[subdir, "noarch"], virtual_packages=virtual)

print(*sorted(record.url for record in asyncio.run(main())), sep="\\n", flush=True)
os._exit(0)
"""
IMAGES = """version = "0.1.0"
repository = "orbiter-bench/conda"
platforms = ["{platform}"]
[builder.micromamba]
channels = ["{channel}"]
installer = "rattler"
"""
STAGE = """[image.micromamba.g{number}]
[image.micromamba.g{number}.build]
conda = {requirements}
"""
LOCK = ("-m", "orbiter", "lock", "--quiet", "--only", "conda")


def timed(*words: str, place: Path | None = None) -> tuple[float, str]:
    """Seconds of wall time of a fresh Python, and what it printed."""
    start = time.monotonic()
    command = [sys.executable, *words]
    output = subprocess.run(command, check=True, capture_output=True, text=True, cwd=place).stdout
    return time.monotonic() - start, output


def write(place: Path, channel: str, platform: str, lists: list[list[str]]) -> None:
    """images.toml with one stage for each list."""
    text = IMAGES.format(platform=platform, channel=channel)
    for number, requirements in enumerate(lists):
        text += STAGE.format(number=number, requirements=json.dumps(requirements))
    (place / "images.toml").write_text(text)


def found(place: Path, platform: str) -> list[str]:
    """The addresses of all packages that were locked there."""
    folder = place / "locks/0.1.0/micromamba"
    files = {name: (folder / name).read_text() for name in conda.FILES}
    groups = tuple({group for package in conda.read(files) for group in package.groups})
    return sorted(
        pin.artifact.source for pin in conda.select(files, Target(platform=platform), groups)
    )


def again(place: Path, *words: str) -> float:
    """The median seconds of a relock, each from the same lock set."""
    kept, seconds = place / "kept", []
    if not kept.exists():
        shutil.copytree(place / "locks", kept)
    for _ in range(RUNS):
        shutil.rmtree(place / "locks")
        shutil.copytree(kept, place / "locks")
        seconds.append(timed(*LOCK, *words, place=place)[0])
    return statistics.median(seconds)


def compare(channel: str, title: str, lists: list[list[str]], platform: str, place: Path) -> None:
    """Both ways in turn; prints medians and their ratio."""
    place.mkdir()
    subdir, machine = {
        "linux/amd64": ("linux-64", "x86_64"),
        "linux/arm64": ("linux-aarch64", "aarch64"),
    }[platform]
    seconds: dict[str, list[float]] = {"bare": [], "ours": []}
    specs = [spec for each in lists for spec in each]
    write(place, channel, platform, lists)
    for number in range(RUNS + 1):
        bare, theirs = timed("-c", BARE, channel, subdir, machine, ASSUMED_GLIBC, *specs)
        shutil.rmtree(place / "locks", ignore_errors=True)
        ours, _ = timed(*LOCK, place=place)
        assert theirs.splitlines() == found(place, platform), f"{title}: not the same packages"
        if number:  # the first one warms up what the system keeps in memory
            seconds["bare"].append(bare)
            seconds["ours"].append(ours)
    bare, ours = (statistics.median(each) for each in seconds.values())
    ratio = f"ratio {ours / bare:.2f} (<= {ALLOWED})"
    print(
        f"{title:20} {len(theirs.splitlines())} packages  rattler {bare:.2f} s  orbiter lock {ours:.2f} s  {ratio}"
    )
    nothing, moved = again(place), again(place, "--upgrade-package", "numpy")
    write(place, channel, platform, [[*lists[0], "tqdm"], *lists[1:]])
    edited = again(place)
    print(
        f"{'':20} nothing to do {nothing:.2f} s  one upgrade {moved:.2f} s  one requirement more {edited:.2f} s"
    )


def main() -> None:
    """Compare for both platforms as far as the records reach."""
    source = Path(sys.argv[1]) if len(sys.argv) > 1 else DATA
    with tempfile.TemporaryDirectory(prefix="orbiter-bench-") as name:
        work = Path(name)
        os.environ["ORBITER_CACHE_DIR"] = str(work / "cache")
        for subdir in ("noarch", "linux-64", "linux-aarch64"):
            (work / "channel" / subdir).mkdir(parents=True)
            packed = (source / subdir / "repodata.json.zst").read_bytes()
            (work / "channel" / subdir / "repodata.json").write_bytes(zstd.decompress(packed))
        address = (work / "channel").as_uri()
        reached = [
            spec for spec in BASE if spec != "cython"
        ]  # not among the records for this platform
        compare(address, "base", [BASE], "linux/amd64", work / "base")
        compare(address, "base and geospatial", [BASE, GEOSPATIAL], "linux/amd64", work / "both")
        compare(address, "base on arm64", [reached], "linux/arm64", work / "arm64")


if __name__ == "__main__":
    main()
