"""Measure ``orbiter audit --vulnerabilities`` for a release of this repository.

    python -m bench.vulnerabilities

The database has as many records as the exports of npm, PyPI and Debian together, about 266,000.
They are invented from the real records in tests/data/osv. Prints the seconds of the first run,
which makes the index, and the median of more runs, which read it. Then the same for
``orbiter diff-locks``, also without vulnerabilities. The peak memory is that of the process.
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

from bench.support.programs import ORBITER

ROOT = Path(__file__).parents[1]
OSV = ROOT / "tests" / "data" / "osv"
RECORDS = {"Debian": 50_000, "PyPI": 16_000, "npm": 200_000}
ROUNDS = 7
OPTIONS = ("--vulnerabilities", "--max-age", "99999")
AUDIT = ("audit", "--release", "0.2.0", *OPTIONS)
DIFF = ("diff-locks", "0.1.0", "0.2.0")
GOAL = 0.5
"""Seconds for a release whose database has an index."""


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


def measure(cache: Path, *words: str, rounds: int = 1) -> str:
    """Return the median time and the highest peak memory of a command, in seconds and MB."""
    environment = {**os.environ, "ORBITER_CACHE_DIR": str(cache)}
    seconds, peaks = [], []
    for _ in range(rounds):
        start = time.perf_counter()
        process = subprocess.Popen(
            [*ORBITER, *words],
            env=environment,
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds.append(time.perf_counter() - start)
        peaks.append(usage.ru_maxrss // 1024)
        if os.waitstatus_to_exitcode(status) > 1:
            sys.exit(f"error: orbiter {' '.join(words)} failed")
    return f"{median(seconds):.2f} s, {max(peaks)} MB"


def main() -> None:
    """Make the database, and print the measurements."""
    with tempfile.TemporaryDirectory() as folder:
        place, cache = Path(folder, "osv"), Path(folder, "cache")
        for ecosystem, count in RECORDS.items():
            write_export(place / ecosystem / "all.zip", ecosystem, count)
        database = ("--database", str(place))
        print(f"{sum(RECORDS.values()):,} records")
        print(f"index and audit:          {measure(cache, *AUDIT, *database)}")
        print(f"audit (goal {GOAL} s):       {measure(cache, *AUDIT, *database, rounds=ROUNDS)}")
        both = (*DIFF, *OPTIONS, *database)
        print(f"diff-locks:               {measure(cache, *both, rounds=ROUNDS)}")
        print(f"diff-locks without them:  {measure(cache, *DIFF, rounds=ROUNDS)}")


if __name__ == "__main__":
    main()
