"""Measure ``orbiter diff-locks`` on two conda-lock.yml files, and its growth with their size.

    python -m bench.diff [OLD NEW]

The first part compares it with loading both files with PyYAML's C loader. It prints medians of 7
runs of the whole process, and of the loading alone inside a process. Without OLD and NEW it
generates a pair with 3,000 entries a file.

The second part prints seconds and peak memory for generated pairs of 1,000 to 100,000 entries a
file. If both grow in proportion, each further entry adds the same amount.
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

from bench.support.programs import ORBITER

ROUNDS = 7
ENTRIES = 3_000
SIZES = (1_000, 3_000, 10_000, 30_000, 100_000)
DIFF_LOCKS = (*ORBITER, "diff-locks")
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
    """One package of a generated lock, the same on all platforms."""

    name: str
    version: str
    build: int
    dependencies: tuple[str, ...]


class Run(NamedTuple):
    """One run of a program: seconds, peak memory in MB, and the first line of output."""

    seconds: float
    peak: float
    first_line: str


class Sample(NamedTuple):
    """The measurement of a generated pair: entries a file, median seconds, peak memory in MB."""

    entries: int
    seconds: float
    peak: float


def main(arguments: Sequence[str]) -> None:
    """Run both parts."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pair = [Path(argument) for argument in arguments]
        compare(pair or write_pair(folder, ENTRIES))
        measure_growth(folder)


def compare(pair: Sequence[Path]) -> None:
    """Compare `orbiter diff-locks` with loading the same two files."""
    print(" and ".join(f"{path.name} {path.stat().st_size / 1e6:.2f} MB" for path in pair))
    run([*DIFF_LOCKS, *pair])  # writes the byte-code, which a user's installation has too
    own = statistics.median(run([*DIFF_LOCKS, *pair]).seconds for _ in range(ROUNDS))
    loads = [run([sys.executable, "-c", LOAD, *pair]) for _ in range(ROUNDS)]
    process = statistics.median(load.seconds for load in loads)
    inside = statistics.median(float(load.first_line) for load in loads)
    print(f"orbiter diff-locks: {own:.3f} s (goal 0.6 s)")
    ratio = f"{process / own:.1f} times as long (goal 10)"
    print(f"a process that loads both files with CSafeLoader: {process:.3f} s, {ratio}")
    print(f"the loading inside that process: {inside:.3f} s, {inside / own:.1f} times as long")


def measure_growth(folder: Path) -> None:
    """Print time and memory by size, and the amount that each further entry added."""
    empty = run([sys.executable, "-c", "pass"])
    print(f"an empty Python process: {empty.seconds:.3f} s, {empty.peak:.0f} MB")
    columns = f"{'entries':>8} {'MB a file':>10} {'seconds':>8} {'peak MB':>8}"
    print(f"{columns}   added by each further entry: µs, kB")
    previous: Sample | None = None
    for entries in SIZES:
        pair = write_pair(folder, entries)
        sample = measure(entries, pair)
        size = pair[0].stat().st_size / 1e6
        row = f"{entries:8,} {size:10.1f} {sample.seconds:8.2f} {sample.peak:8.0f}"
        print(row + added_since(previous, sample))
        previous = sample


def measure(entries: int, pair: Sequence[Path]) -> Sample:
    """Return the median time and the peak memory of three runs."""
    runs = [run([*DIFF_LOCKS, *pair]) for _ in range(3)]
    median = statistics.median(each.seconds for each in runs)
    return Sample(entries, median, max(each.peak for each in runs))


def added_since(previous: Sample | None, sample: Sample) -> str:
    """Return the columns with the time and memory that each further entry added."""
    if previous is None:
        return ""
    entries = sample.entries - previous.entries
    microseconds = (sample.seconds - previous.seconds) / entries * 1e6
    kilobytes = (sample.peak - previous.peak) / entries * 1e3
    return f"   {microseconds:8.0f} {kilobytes:6.1f}"


def run(command: Sequence[str | Path]) -> Run:
    """Run a program to its end; end the benchmark if it fails.

    The kernel counts the memory of the parent process into the peak of the program. So this process
    must stay small: it loads no lock, and writes the generated ones entry by entry.
    """
    env = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}
    with tempfile.TemporaryFile() as output:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=output, env=env)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            sys.exit(f"error: {' '.join(map(str, command))}: exit code {process.returncode}")
        output.seek(0)
        first_line = output.readline().decode()
    return Run(seconds, usage.ru_maxrss / 1e3, first_line)


def write_pair(folder: Path, entries: int) -> tuple[Path, Path]:
    """Write two locks in conda-lock's format, the same in every run.

    The old one has the given number of entries; the new one differs in some.
    """
    old_path, new_path = folder / "old-conda-lock.yml", folder / "new-conda-lock.yml"
    with old_path.open("w", encoding="utf-8") as old, new_path.open("w", encoding="utf-8") as new:
        for file in (old, new):
            file.write(format_head())
        for before, after in generate_packages(entries // len(PLATFORMS)):
            old.writelines(format_entries(before))
            new.writelines(format_entries(after))
    return old_path, new_path


def generate_packages(count: int) -> Iterator[tuple[Package | None, Package | None]]:
    """Yield old packages with their new counterparts, and the added packages, sorted by name."""
    random = Random(7)
    changes = [change for change, share in SHARES.items() for _ in range(round(count * share))]
    changes += ["same"] * (count + changes.count("added") - len(changes))
    random.shuffle(changes)
    for number, change in enumerate(changes):
        dependencies = generate_dependencies(number, random)
        version = [random.randrange(limit) for limit in (9, 20, 30)]
        build = random.randrange(4)
        package = Package(package_name(number), dotted(version), build, dependencies)
        version[random.randrange(3)] += 1
        yield changed(package, change, dotted(version))


def generate_dependencies(number: int, random: Random) -> tuple[str, ...]:
    """Return the names of up to seven packages with a lower number."""
    if not number:
        return ()
    numbers = {random.randrange(number) for _ in range(random.randrange(8))}
    return tuple(map(package_name, sorted(numbers)))


def changed(package: Package, change: str, version: str) -> tuple[Package | None, Package | None]:
    """Return a package before and after a change; None if the lock does not have it."""
    return {
        "same": (package, package),
        "upgraded": (package, package._replace(version=version, build=0)),
        "rebuilt": (package, package._replace(build=package.build + 1)),
        "added": (None, package),
        "removed": (package, None),
    }[change]


def package_name(number: int) -> str:
    """Return the name of a generated package."""
    return f"package-{number:06}"


def dotted(numbers: list[int]) -> str:
    """Return a version made of numbers."""
    return ".".join(map(str, numbers))


def format_head() -> str:
    """Return the text before the entries."""
    hashes = {platform: sha256(platform.encode()).hexdigest() for platform in PLATFORMS}
    return HEAD.format(
        hashes="\n".join(f"    {platform}: {digest}" for platform, digest in hashes.items()),
        platforms="\n".join(f"  - {platform}" for platform in PLATFORMS),
    )


def format_entries(package: Package | None) -> Iterator[str]:
    """Yield the entries of a package, one for each platform."""
    if package:
        for platform in PLATFORMS:
            yield format_entry(package, platform)


def format_entry(package: Package, platform: str) -> str:
    """Return the entry of a package on a platform, with hashes made from its URL."""
    build = f"h{sha256(package.name.encode()).hexdigest()[:7]}_{package.build}"
    url = f"{CHANNEL}/{platform}/{package.name}-{package.version}-{build}.conda"
    dependencies = "".join(f"\n    {name}: '>=1.0'" for name in package.dependencies)
    return ENTRY.format(
        name=package.name,
        version=package.version,
        platform=platform,
        dependencies=dependencies or " {}",
        url=url,
        md5=md5(url.encode(), usedforsecurity=False).hexdigest(),
        sha256=sha256(url.encode()).hexdigest(),
    )


if __name__ == "__main__":
    main(sys.argv[1:])
