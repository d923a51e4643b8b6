"""Compare the build step that installs conda packages with a bare rattler script.

    python -m bench.conda_install

Needs a Docker engine, and the address of a channel with the packages in ORBITER_WORLD_CONDA_1. Both
install the same files from the same folder, in turn, each time in a new container of the same
image. The build step checks hashes, installs and tidies; the script passes the same records to
rattler.
"""

import os
import re
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from bench.support.programs import docker, orbiter
from orbiter.fetch.fill import artifacts_by_stage
from orbiter.lockset.folder import read
from orbiter.store.store import Store

RUNS = 5
GOAL = 1.2
"""Goal for the ratio of the build step to the bare script."""
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
conda = [
    "python=3.12",
    "jupyterlab",
    "notebook",
    "numpy",
    "pandas",
    "matplotlib",
    "altair",
    "nbgitpuller",
]
"""
CORE_IMAGE = "orbiter-bench/conda:micromamba-core-0.1.0"
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
    options = {"execute_link_scripts": True, "show_progress": False}
    await install(records, "/opt/env", cache_dir="/opt/conda", **options)

asyncio.run(main())
os._exit(0)
END
"""


def main() -> None:
    """Lock, build the stage below, and compare."""
    channel = os.environ.get("ORBITER_WORLD_CONDA_1")
    if not channel:
        print("skipped: ORBITER_WORLD_CONDA_1 does not name a channel")
        return
    with tempfile.TemporaryDirectory(prefix="orbiter-bench-") as name:
        folder = Path(name)
        (folder / "images.toml").write_text(IMAGES.format(channel=channel))
        orbiter(folder, "lock", "-q")
        orbiter(folder, "build", "-q", "--image", "micromamba-core")
        link_artifacts(folder)
        compare(folder)


def compare(folder: Path) -> None:
    """Install in both ways in turn, and print the median times."""
    scripts = {"step": rendered_step(folder), "bare": BARE}
    durations: dict[str, list[float]] = {title: [] for title in scripts}
    for _ in range(RUNS + 1):
        for title, script in scripts.items():
            durations[title].append(run_in_container(folder, script))
    # The first run fills the file cache of the operating system.
    step, bare = (statistics.median(runs[1:]) for runs in durations.values())
    count = len(list((folder / "artifacts/conda").iterdir()))
    ratio = f"ratio {step / bare:.2f} (goal {GOAL})"
    print(f"{count} packages  rattler {bare:.2f} s  build step {step:.2f} s  {ratio}")


def rendered_step(folder: Path) -> str:
    """Return the script that installs conda packages, from the rendered Dockerfile."""
    text = (folder / f"locks/0.1.0/build/{STAGE}/Dockerfile").read_text()
    script = re.search(r"<<'CONDA'\n(.*?)\nCONDA\n", text, re.DOTALL)
    assert script
    return script[1]


def link_artifacts(folder: Path) -> None:
    """Put the artifacts of the build stage into a folder, in the layout of a build."""
    lock_set = read(folder / "locks/0.1.0")
    files = artifacts_by_stage(lock_set)[STAGE, "linux/amd64"]
    Store().link_all((file.hash, folder / "artifacts" / file.path) for file in files)


def run_in_container(folder: Path, script: str) -> float:
    """Return the seconds of a script in a new container, without the container's own start."""
    container = create_container(folder)
    command = ["docker", "start", "-ai", container]
    with subprocess.Popen(command, stdin=subprocess.PIPE, text=True) as process:
        assert process.stdin
        time.sleep(1)  # until the shell waits for its first line
        start = time.monotonic()
        process.stdin.write(f"\n{script}\n")
        process.stdin.close()
        assert process.wait() == 0
        duration = time.monotonic() - start
    docker("rm", container)
    return duration


def create_container(folder: Path) -> str:
    """Create a container that runs the script of its standard input, after an empty line."""
    locks = f"{folder}/locks/0.1.0/build/{STAGE}"
    mounts = ["-v", f"{folder}/artifacts:/artifacts:ro", "-v", f"{locks}:/lock:ro"]
    flags = ["-i", "--user", "0", "--network", "none", "--tmpfs", "/tmp:exec", *mounts]
    return docker("create", *flags, "--entrypoint", "bash", CORE_IMAGE, "-c", "read; bash -s")


if __name__ == "__main__":
    main()
