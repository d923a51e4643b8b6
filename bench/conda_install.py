"""How long the conda packages of an image take to install: as a build does it, and by a bare script of rattler.

    python -m bench.conda_install

Needs a Docker engine, and the address of a channel with the packages in ORBITER_WORLD_CONDA_1. Both install the same
files from the same folder in a fresh container of the same image, in turn; what is timed is the step of the Dockerfile
(sums, installing, tidying) against a script that gives the same records to rattler.
"""

import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from orbiter.fetch.fill import artifacts_by_stage
from orbiter.lockset.folder import read
from orbiter.store.store import Store

RUNS = 5
ALLOWED = 1.2
IMAGES = """version = "0.1.0"
repository = "orbiter-bench/conda"
[builder.micromamba]
channels = ["{channel}"]
installer = "rattler"
[image.micromamba.core]
apt = ["python3"]
[image.micromamba.base]
from = "core"
[image.micromamba.base.build]
from = "core"
conda = ["python=3.12", "jupyterlab", "notebook", "numpy", "pandas", "matplotlib", "altair", "nbgitpuller"]
"""
STAGE = "micromamba-base-build"
BARE = """
set -eu
/usr/bin/python3 -m zipfile -e /artifacts/tools/py_rattler-*.whl /tmp/rattler
PYTHONPATH=/tmp/rattler /usr/bin/python3 - <<'END'
import asyncio, os
from pathlib import Path
from rattler import PackageRecord, RepoDataRecord, install
from rattler.package_streaming import PackageArchive

lines = Path("/lock/conda-linux-amd64.sha256").read_text().splitlines()
sums = {file: digest for digest, file in map(str.split, lines)}

async def record(file):
    archive = await PackageArchive.from_path(f"/artifacts/conda/{file}")
    index = Path(f"/tmp/{file}.json")
    index.write_bytes(await archive.read_file("info/index.json"))
    record = PackageRecord.from_index_json(index, sha256=sums[file])
    return RepoDataRecord(record, file, f"file:///artifacts/conda/{file}", "file:///artifacts")

async def main():
    records = await asyncio.gather(*map(record, sums))
    await install(records, "/opt/env", cache_dir="/opt/conda", execute_link_scripts=True, show_progress=False)

asyncio.run(main())
os._exit(0)
END
"""


def orbiter(place: Path, *words: str) -> None:
    """A command of Orbiter in a folder."""
    subprocess.run(
        [sys.executable, "-m", "orbiter", *words], cwd=place, check=True, stdout=subprocess.DEVNULL
    )


def step(place: Path) -> str:
    """The script of the step that installs conda packages, as it was rendered."""
    text = (place / f"locks/0.1.0/build/{STAGE}/Dockerfile").read_text()
    found = re.search(r"<<'CONDA'\n(.*?)\nCONDA\n", text, re.DOTALL)
    assert found
    return found[1]


def lay(place: Path) -> None:
    """The artifacts of the build stage, as a build lays them out."""
    locked, store = read(place / "locks/0.1.0"), Store()
    store.link_all(
        (e.hash, place / "artifacts" / e.path)
        for e in artifacts_by_stage(locked)[STAGE, "linux/amd64"]
    )


def timed(place: Path, script: str) -> float:
    """Seconds that a script takes in a fresh container, without the container's own start."""
    mounts = [
        "-v",
        f"{place}/artifacts:/artifacts:ro",
        "-v",
        f"{place}/locks/0.1.0/build/{STAGE}:/lock:ro",
    ]
    create = [
        "docker",
        "create",
        "-i",
        "--user",
        "0",
        "--network",
        "none",
        "--tmpfs",
        "/tmp:exec",
        *mounts,
    ]
    create += [
        "--entrypoint",
        "bash",
        "orbiter-bench/conda:micromamba-core-0.1.0",
        "-c",
        "read; bash -s",
    ]
    name = subprocess.run(create, check=True, capture_output=True, text=True).stdout.strip()
    with subprocess.Popen(
        ["docker", "start", "-ai", name], stdin=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        time.sleep(1)  # until it waits for its first line
        start = time.monotonic()
        process.stdin.write(f"\n{script}\n")
        process.stdin.close()
        assert process.wait() == 0
        seconds = time.monotonic() - start
    subprocess.run(["docker", "rm", name], check=True, stdout=subprocess.DEVNULL)
    return seconds


def main() -> None:
    """Compare."""
    with tempfile.TemporaryDirectory(prefix="orbiter-bench-") as name:
        place = Path(name)
        (place / "images.toml").write_text(
            IMAGES.format(channel=os.environ["ORBITER_WORLD_CONDA_1"])
        )
        orbiter(place, "lock", "-q")
        orbiter(place, "build", "-q", "--image", "micromamba-core")
        lay(place)
        both = {"step": step(place), "bare": BARE}
        seconds: dict[str, list[float]] = {"step": [], "bare": []}
        for number in range(RUNS + 1):
            for title, script in both.items():
                took = timed(place, script)
                if number:  # the first one warms up what the system keeps in memory
                    seconds[title].append(took)
        ours, bare = (statistics.median(each) for each in seconds.values())
        count = len(list((place / "artifacts/conda").iterdir()))
    ratio = f"ratio {ours / bare:.2f} (<= {ALLOWED})"
    print(f"{count} packages  rattler {bare:.2f} s  the build's step {ours:.2f} s  {ratio}")


if __name__ == "__main__":
    main()
