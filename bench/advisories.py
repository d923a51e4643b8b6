"""Measure the index of a vulnerability database and the answer for a release of this repository.

    python -m bench.advisories

The database has as many records as the exports of npm, PyPI and Debian together, about 266,000.
They are invented from the real records in tests/data/osv. Prints the seconds of the first process,
which makes the index, and the median of more processes, which read it. The seconds in parentheses
are those without the start of Python and the loading of the lock set. The peak memory is that of
the process.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).parents[1]
OSV = ROOT / "tests" / "data" / "osv"
RECORDS = {"Debian": 50_000, "PyPI": 16_000, "npm": 200_000}
ROUNDS = 7
ANSWER = """\
import sys, time
from pathlib import Path
from orbiter.advisories.assess import assess
from orbiter.advisories.index import open_index
from orbiter.advisories.subjects import subjects_of
from orbiter.lockfiles.named import load_lock
lock = load_lock("0.2.0")
start = time.perf_counter()
index = open_index(Path(sys.argv[1]))
found = assess(subjects_of(lock), index.database, index.lookup)
assert found.affected
peak = Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]
print(time.perf_counter() - start, int(peak) // 1024)
"""


def write_export(path: Path, ecosystem: str, count: int) -> None:
    """Write the real records of an ecosystem and copies of them about other packages."""
    path.parent.mkdir(parents=True)
    with zipfile.ZipFile(OSV / ecosystem / "all.zip") as archive:
        texts = [archive.read(name) for name in archive.namelist()]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as export:
        for number in range(count):
            record = json.loads(texts[number % len(texts)])
            if number >= len(texts):
                rename(record, number)
            export.writestr(f"{record['id']}.json", json.dumps(record))


def rename(record: dict[str, Any], number: int) -> None:
    """Make a copy of a record independent of the original."""
    record["id"] = f"{record['id']}-{number}"
    record["aliases"] = []
    for affected in record["affected"]:
        affected["package"]["name"] += f"-{number % 50_000}"


def measure(place: Path, cache: Path, rounds: int = 1) -> str:
    """Return the median times and the memory of processes that answer for a release."""
    environment = {**os.environ, "ORBITER_CACHE_DIR": str(cache)}
    whole, inside, peaks = [], [], []
    for _ in range(rounds):
        start = time.perf_counter()
        output = subprocess.run(
            [sys.executable, "-c", ANSWER, str(place)],
            env=environment,
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
        ).stdout.split()
        whole.append(time.perf_counter() - start)
        inside.append(float(output[0]))
        peaks.append(int(output[1]))
    return f"{median(whole):.2f} s ({median(inside):.3f} s), {max(peaks)} MB"


def main() -> None:
    """Make the database, and print the measurements."""
    with tempfile.TemporaryDirectory() as folder:
        place, cache = Path(folder, "osv"), Path(folder, "cache")
        for ecosystem, count in RECORDS.items():
            write_export(place / ecosystem / "all.zip", ecosystem, count)
        print(f"{sum(RECORDS.values()):,} records")
        print(f"index and answer: {measure(place, cache)}")
        print(f"answer:           {measure(place, cache, ROUNDS)}")


if __name__ == "__main__":
    main()
