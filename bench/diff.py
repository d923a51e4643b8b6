"""Time `orbiter diff-locks` on two conda-lock.yml against loading both with PyYAML's C loader, and how it grows.

    python -m bench.diff [OLD NEW]

Prints medians of 7 runs of the whole process, and the loading alone inside one. Without a pair of files, one of 3,000
entries a file is made. Then seconds and peak memory for made pairs of 1,000 to 100,000 entries a file: what each entry
adds stays the same where both grow in proportion.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from hashlib import md5, sha256
from pathlib import Path
from random import Random
from typing import NamedTuple

ROUNDS = 7
ENTRIES = 3_000
SIZES = (1_000, 3_000, 10_000, 30_000, 100_000)
ORBITER = [sys.executable, "-m", "orbiter", "diff-locks"]
LOAD = """\
import sys, time, yaml
start = time.perf_counter()
locks = [yaml.load(open(path, "rb"), yaml.CSafeLoader) for path in sys.argv[1:]]
print(time.perf_counter() - start)
"""

PLATFORMS = ("linux-64", "linux-aarch64", "osx-64", "osx-arm64")
SHARES = {"upgraded": 0.10, "rebuilt": 0.03, "added": 0.02, "removed": 0.02}
CHANNEL = "https://conda.anaconda.org/conda-forge"
HEAD = """\
version: 1
metadata:
  content_hash:
{hashes}
  channels:
  - url: conda-forge
    used_env_vars: []
  platforms:
{platforms}
  sources:
  - environment.yml
package:
"""
ENTRY = """\
- name: {name}
  version: {version}
  manager: conda
  platform: {platform}
  dependencies:{dependencies}
  url: {url}
  hash:
    md5: {md5}
    sha256: {sha256}
  category: main
  optional: false
"""


class Package(NamedTuple):
    """One package of a made lock, the same on all platforms."""

    name: str
    version: str
    build: int
    dependencies: tuple[str, ...]


class Run(NamedTuple):
    """One run of a program: seconds, MB of memory at its peak, and what it printed."""

    seconds: float
    peak: float
    output: str


def main(arguments: Sequence[str]) -> None:
    """Measure, and print what was measured."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        given = [Path(argument) for argument in arguments]
        compare(given or write_pair(folder, ENTRIES))
        grow(folder)


def compare(pair: Sequence[Path]) -> None:
    """`orbiter diff-locks` against loading the same two files."""
    print(" and ".join(f"{path.name} {path.stat().st_size / 1e6:.2f} MB" for path in pair))
    run([*ORBITER, *pair])  # the byte-code of a first run is on the disk, as it is for a user
    ours = statistics.median(run([*ORBITER, *pair]).seconds for _ in range(ROUNDS))
    loads = [run([sys.executable, "-c", LOAD, *pair]) for _ in range(ROUNDS)]
    theirs = statistics.median(load.seconds for load in loads)
    inside = statistics.median(float(load.output) for load in loads)
    print(f"orbiter diff-locks {ours:.3f} s (aim 0.6 s)")
    print(
        f"loading both with CSafeLoader {theirs:.3f} s: {theirs / ours:.1f} times as long (aim 10)"
    )
    print(f"the loading alone, inside a process, {inside:.3f} s: {inside / ours:.1f} times as long")


def grow(folder: Path) -> None:
    """Seconds and memory by size, and what each entry more has added."""
    empty = run([sys.executable, "-c", "pass"])
    print(f"an empty Python: {empty.seconds:.3f} s, {empty.peak:.0f} MB")
    print(
        f"{'entries':>8} {'MB a file':>10} {'seconds':>8} {'peak MB':>8}   more for each entry: µs, kB"
    )
    before, least, lowest = 0, 0.0, 0.0
    for entries in SIZES:
        pair = write_pair(folder, entries)
        runs = [run([*ORBITER, *pair]) for _ in range(3)]
        seconds, peak = (
            statistics.median(each.seconds for each in runs),
            max(each.peak for each in runs),
        )
        row = f"{entries:8,} {pair[0].stat().st_size / 1e6:10.1f} {seconds:8.2f} {peak:8.0f}"
        more = entries - before
        print(
            f"{row}   {(seconds - least) / more * 1e6:8.0f} {(peak - lowest) / more * 1e3:6.1f}"
            if before
            else row
        )
        before, least, lowest = entries, seconds, peak


def run(command: Sequence[str | Path]) -> Run:
    """Run a program to its end; one that fails ends the bench.

    The kernel counts the memory of the process that starts a program into the peak of that program, so this one must
    stay small: it loads no lock and writes those that it makes entry by entry.
    """
    env = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}
    with tempfile.TemporaryFile() as output:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=output, env=env)
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            sys.exit(f"{' '.join(map(str, command))}: exit code {process.returncode}")
        output.seek(0)
        first = output.readline().decode()
    return Run(seconds, used.ru_maxrss / 1e3, first)


def write_pair(folder: Path, entries: int) -> tuple[Path, Path]:
    """Two locks in conda-lock's format, the same at every run: ``entries`` in the old one, some changed in the new."""
    paths = folder / "old-conda-lock.yml", folder / "new-conda-lock.yml"
    with paths[0].open("w", encoding="utf-8") as old, paths[1].open("w", encoding="utf-8") as new:
        for file in (old, new):
            file.write(head())
        for before, after in packages(entries // len(PLATFORMS)):
            old.writelines(entry(before, platform) for platform in PLATFORMS if before)
            new.writelines(entry(after, platform) for platform in PLATFORMS if after)
    return paths


def packages(count: int) -> Iterator[tuple[Package | None, Package | None]]:
    """``count`` old packages with what became of each, and the added ones among them, in the order of names."""
    random = Random(7)
    fates = [fate for fate, share in SHARES.items() for _ in range(round(count * share))]
    fates += ["kept"] * (count + fates.count("added") - len(fates))
    random.shuffle(fates)
    for number, fate in enumerate(fates):
        needs = (
            sorted({random.randrange(number) for _ in range(random.randrange(8))}) if number else []
        )
        numbers = [random.randrange(limit) for limit in (9, 20, 30)]
        package = Package(
            title(number), dots(numbers), random.randrange(4), tuple(title(need) for need in needs)
        )
        numbers[random.randrange(3)] += 1
        yield {
            "kept": (package, package),
            "upgraded": (package, package._replace(version=dots(numbers), build=0)),
            "rebuilt": (package, package._replace(build=package.build + 1)),
            "added": (None, package),
            "removed": (package, None),
        }[fate]


def title(number: int) -> str:
    """The name of a made package."""
    return f"package-{number:06}"


def dots(numbers: list[int]) -> str:
    """A version of three numbers."""
    return ".".join(map(str, numbers))


def head() -> str:
    """What stands before the entries."""
    hashes = "\n".join(
        f"    {platform}: {sha256(platform.encode()).hexdigest()}" for platform in PLATFORMS
    )
    return HEAD.format(
        hashes=hashes, platforms="\n".join(f"  - {platform}" for platform in PLATFORMS)
    )


def entry(package: Package | None, platform: str) -> str:
    """One package on one platform, its hashes made of its url."""
    assert package
    build = f"h{sha256(package.name.encode()).hexdigest()[:7]}_{package.build}"
    url = f"{CHANNEL}/{platform}/{package.name}-{package.version}-{build}.conda"
    needs = "".join(f"\n    {name}: '>=1.0'" for name in package.dependencies) or " {}"
    return ENTRY.format(
        **package._asdict() | {"dependencies": needs},
        platform=platform,
        url=url,
        md5=md5(url.encode(), usedforsecurity=False).hexdigest(),
        sha256=sha256(url.encode()).hexdigest(),
    )


if __name__ == "__main__":
    main(sys.argv[1:])
