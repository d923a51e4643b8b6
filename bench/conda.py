"""How long it takes to solve the original's conda lists: with Orbiter, and with a bare script of rattler.

    python -m bench.conda [FOLDER]

FOLDER is a channel with repodata.json.zst; else the real records among the tests' data. Each run is a process of its
own, from the start of Python to its end; both take turns. The two must find the same packages. A relock is started
from the lock just made: once with nothing to do, once with one requirement more, once with one package to upgrade.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from backports import zstd

from tests.conda_world import ARM64, BASE, DATA, GEOSPATIAL

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
OURS = """
import sys
from pathlib import Path
from orbiter.ending import surely
from resolvers import conda
from resolvers.types import CondaOptions, Group, Request, Target, Upgrade

address, platform, glibc, folder, upgrade, *lists = sys.argv[1:]

def main():
    groups = tuple(Group(name=f"g{n}", requirements=tuple(each.split("|"))) for n, each in enumerate(lists))
    target = Target(platform=platform, glibc=glibc)
    place = Path(folder)
    previous = {file: (place / file).read_text() for file in conda.FILES if (place / file).exists()}
    packages = {upgrade: ""} if upgrade else {}
    asked = Request(groups=groups, targets=(target,), conda=CondaOptions(channels=(address,)), previous=previous,
                    upgrade=Upgrade(packages=packages))
    files = conda.resolve(asked)
    for name, text in files.items() if not previous else ():
        (place / name).write_text(text)
    print(*sorted(pin.artifact.source for pin in conda.select(files, target, tuple(g.name for g in groups))), sep="\\n")

surely(main)
"""


def timed(*command: str) -> tuple[float, str]:
    """Seconds of wall time of a fresh process, and what it printed."""
    start = time.monotonic()
    output = subprocess.run([sys.executable, "-c", *command], check=True, capture_output=True, text=True).stdout
    return time.monotonic() - start, output


def compare(address: str, title: str, lists: list[list[str]], platform: str, work: Path) -> None:
    """Both ways in turn; prints medians and their ratio."""
    subdir, machine, glibc = {
        "linux/amd64": ("linux-64", "x86_64", "2.41"),
        "linux/arm64": ("linux-aarch64", "aarch64", ARM64.glibc),
    }[platform]
    seconds: dict[str, list[float]] = {"bare": [], "ours": []}
    joined = ["|".join(each) for each in lists]
    for number in range(RUNS + 1):
        bare, theirs = timed(BARE, address, subdir, machine, glibc, *(spec for each in lists for spec in each))
        place = work / f"{title}-{number}"
        place.mkdir()
        ours, own = timed(OURS, address, platform, glibc, str(place), "", *joined)
        assert theirs == own, f"{title}: not the same packages"
        if number:  # the first one warms up what the system keeps in memory
            seconds["bare"].append(bare)
            seconds["ours"].append(ours)
    bare, ours = (statistics.median(each) for each in seconds.values())
    count = len(theirs.splitlines())
    ratio = f"ratio {ours / bare:.2f} (<= {ALLOWED})"
    print(f"{title:24} {count} packages  rattler {bare:.3f} s  orbiter {ours:.3f} s  {ratio}")
    again = [timed(OURS, address, platform, glibc, str(place), "", *joined)[0] for _ in range(RUNS)]
    edited = [timed(OURS, address, platform, glibc, str(place), "", *joined, "tqdm")[0] for _ in range(RUNS)]
    moved = [timed(OURS, address, platform, glibc, str(place), "numpy", *joined)[0] for _ in range(RUNS)]
    medians = [statistics.median(each) for each in (again, edited, moved)]
    print("{:24} nothing to do {:.3f} s  one requirement more {:.3f} s  one upgrade {:.3f} s".format("", *medians))


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
        reached = [spec for spec in BASE if spec != "cython"]  # not among the records for this platform
        compare(address, "base", [BASE], "linux/amd64", work)
        compare(address, "base and geospatial", [BASE, GEOSPATIAL], "linux/amd64", work)
        compare(address, "base on arm64", [reached], "linux/arm64", work)


if __name__ == "__main__":
    main()
