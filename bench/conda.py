"""Compare ``orbiter lock`` for the project's conda lists with a bare rattler script.

    python -m bench.conda [FOLDER]

FOLDER is a channel with repodata.json.zst; the default is the real records in the tests' data. Each
run is a new process, timed from the start of Python to its end, and both take turns. Both must
select the same packages. Relocks start from the new lock: with nothing to do, with one more
requirement, and with one package to upgrade.
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
from typing import NamedTuple

from orbiter.locking.base_facts import ASSUMED_GLIBC
from resolvers.conda import manager as conda
from resolvers.types.request import Target
from tests.support.conda_world import BASE, DATA, GEOSPATIAL

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

RUNS = 11
GOAL = 1.5
"""Goal for the ratio of `orbiter lock` to the bare script."""
BARE = """
import asyncio, os, sys
from rattler import BuildString, Gateway, PackageName, Version, solve
from rattler.virtual_package import GenericVirtualPackage

address, subdir, machine, glibc, *specs = sys.argv[1:]
system = (
    ("__archspec", "1", machine),
    ("__glibc", glibc, "0"),
    ("__linux", "5.10", "0"),
    ("__unix", "0", "0"),
)
virtual = [
    GenericVirtualPackage(PackageName(name), Version(version), BuildString(build))
    for name, version, build in system
]

async def main():
    return await solve(
        [address],
        specs,
        gateway=Gateway(),
        platforms=[subdir, "noarch"],
        virtual_packages=virtual,
    )

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
SUBDIRS = {"linux/amd64": ("linux-64", "x86_64"), "linux/arm64": ("linux-aarch64", "aarch64")}
"""For each platform, the channel's folder and the machine type."""


class Case(NamedTuple):
    """Lists of requirements to lock for a platform, one stage for each list."""

    title: str
    platform: str
    lists: list[list[str]]


def main() -> None:
    """Compare for both platforms, with the lists that the records cover."""
    source = Path(sys.argv[1]) if len(sys.argv) > 1 else DATA
    on_arm = [spec for spec in BASE if spec != "cython"]  # the records for arm64 lack cython
    cases = [
        Case("base", "linux/amd64", [BASE]),
        Case("base and geospatial", "linux/amd64", [BASE, GEOSPATIAL]),
        Case("base on arm64", "linux/arm64", [on_arm]),
    ]
    with tempfile.TemporaryDirectory(prefix="orbiter-bench-") as name:
        work = Path(name)
        os.environ["ORBITER_CACHE_DIR"] = str(work / "cache")
        channel = unpack_channel(source, work / "channel")
        for number, case in enumerate(cases):
            compare(channel, case, work / f"case-{number}")


def unpack_channel(source: Path, channel: Path) -> str:
    """Write a channel with uncompressed records, and return its URL."""
    for subdir in ("noarch", "linux-64", "linux-aarch64"):
        (channel / subdir).mkdir(parents=True)
        compressed = (source / subdir / "repodata.json.zst").read_bytes()
        (channel / subdir / "repodata.json").write_bytes(zstd.decompress(compressed))
    return channel.as_uri()


def compare(channel: str, case: Case, folder: Path) -> None:
    """Lock and relock a case, and print the median times."""
    folder.mkdir()
    write_images(folder, channel, case)
    bare, own, count = compare_lock(channel, case, folder)
    times = f"rattler {bare:.2f} s  orbiter lock {own:.2f} s"
    print(f"{case.title:20} {count} packages  {times}  ratio {own / bare:.2f} (goal {GOAL})")
    unchanged, upgraded = relock(folder), relock(folder, "--upgrade-package", "numpy")
    first, *others = case.lists
    write_images(folder, channel, case._replace(lists=[[*first, "tqdm"], *others]))
    extended = relock(folder)
    times = f"one upgrade {upgraded:.2f} s  one more requirement {extended:.2f} s"
    print(f"{'':20} nothing to do {unchanged:.2f} s  {times}")


def compare_lock(channel: str, case: Case, folder: Path) -> tuple[float, float, int]:
    """Return the median seconds of the script and of Orbiter, and the number of packages."""
    specs = [spec for requirements in case.lists for spec in requirements]
    script = ("-c", BARE, channel, *SUBDIRS[case.platform], ASSUMED_GLIBC, *specs)
    bare_times, own_times = [], []
    for _ in range(RUNS + 1):
        bare, output = run_python(*script)
        shutil.rmtree(folder / "locks", ignore_errors=True)
        own, _ = run_python(*LOCK, folder=folder)
        urls = output.splitlines()
        assert urls == locked_urls(folder, case.platform), f"{case.title}: different packages"
        bare_times.append(bare)
        own_times.append(own)
    # The first run fills the file cache of the operating system.
    return statistics.median(bare_times[1:]), statistics.median(own_times[1:]), len(urls)


def run_python(*arguments: str, folder: Path | None = None) -> tuple[float, str]:
    """Run a new Python process; return its wall time in seconds and its output."""
    start = time.monotonic()
    command = [sys.executable, *arguments]
    output = subprocess.run(command, check=True, capture_output=True, text=True, cwd=folder).stdout
    return time.monotonic() - start, output


def write_images(folder: Path, channel: str, case: Case) -> None:
    """Write images.toml with one stage for each list."""
    text = IMAGES.format(platform=case.platform, channel=channel)
    for number, requirements in enumerate(case.lists):
        text += STAGE.format(number=number, requirements=json.dumps(requirements))
    (folder / "images.toml").write_text(text)


def locked_urls(folder: Path, platform: str) -> list[str]:
    """Return the sorted URLs of all locked packages."""
    builder = folder / "locks/0.1.0/micromamba"
    files = {name: (builder / name).read_text() for name in conda.FILES}
    groups = tuple({group for package in conda.read(files) for group in package.groups})
    pins = conda.select(files, Target(platform=platform), groups)
    return sorted(pin.artifact.source for pin in pins)


def relock(folder: Path, *arguments: str) -> float:
    """Return the median seconds of a relock; each starts from the same lock set."""
    first_lock, durations = folder / "first-lock", []
    if not first_lock.exists():
        shutil.copytree(folder / "locks", first_lock)
    for _ in range(RUNS):
        shutil.rmtree(folder / "locks")
        shutil.copytree(first_lock, folder / "locks")
        durations.append(run_python(*LOCK, *arguments, folder=folder)[0])
    return statistics.median(durations)


if __name__ == "__main__":
    main()
