"""How fast a store is filled, against ``pip download`` of the same hashed list; prints seconds and the ratio.

Run it as ``python -m bench.fetch``. Every run starts with an empty store and without any cache.
"""

import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import parse_wheel_filename

from orbiter.fetch.fetch import fetch
from orbiter.fetch.sources import FetchSettings
from orbiter.store.artifact_list import LockedFile, format_list, parse_list
from orbiter.store.store import Store
from resolvers.index import index

REQUIREMENTS = """\
numpy
pandas
jupyterlab
altair
altair_saver
nbgitpuller
jupyter-server-proxy
jupyterlab-spellchecker
matplotlib
jupyterlab-git
cython
bash_kernel
sshkernel
jupyter-book<2
sphinx-book-theme
sphinx-thebe
"""
PYTHON = (3, 13)
PLATFORMS = [
    *(f"manylinux_2_{minor}_x86_64" for minor in range(40, 4, -1)),
    "manylinux2014_x86_64",
    "manylinux2010_x86_64",
    "manylinux1_x86_64",
    "linux_x86_64",
]
ROUNDS = 3


def main() -> None:
    """Make the list, fetch it both ways in turn, compare the best times."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        requirements, entries = folder / "requirements.txt", folder / "artifacts.txt"
        compile_list(requirements)
        entries.write_text(format_list(choose(requirements.read_text())))
        ours, theirs = [], []
        for number in range(ROUNDS):
            ours.append(timed(partial(fetch_list, entries, folder / f"store-{number}")))
            theirs.append(timed(partial(pip_download, requirements, folder / f"pip-{number}")))
            check(folder / f"store-{number}", folder / f"pip-{number}")
            print(f"orbiter {ours[-1]:.1f} s, pip download {theirs[-1]:.1f} s")
        count = len(entries.read_text().splitlines())
        print(
            f"{count} wheels: orbiter {min(ours):.1f} s, pip download {min(theirs):.1f} s (best of {ROUNDS})"
        )
        print(f"ratio {min(theirs) / min(ours):.1f} (goal: at least 3)")


def compile_list(requirements: Path) -> None:
    """Solve with uv into a list with hashes."""
    source = requirements.with_suffix(".in")
    source.write_text(REQUIREMENTS)
    urls = index.configured().urls
    subprocess.run(
        [
            *(
                "uv",
                "pip",
                "compile",
                source,
                "-o",
                requirements,
                "--generate-hashes",
                "--no-build",
                "--quiet",
            ),
            *("--python-version", "3.13", "--python-platform", "x86_64-manylinux_2_40"),
            *("--no-cache", "--default-index", urls[0]),
        ],
        check=True,
    )


def choose(requirements: str) -> list[LockedFile]:
    """The best wheel for each line of the list, as a lock would name it."""
    tags = [
        *cpython_tags(PYTHON, platforms=PLATFORMS),
        *compatible_tags(PYTHON, "cp313", PLATFORMS),
    ]
    ranks = {tag: number for number, tag in enumerate(tags)}
    found = re.findall(r"^([\w.-]+)==(\S+)", requirements, re.MULTILINE)
    return [best_wheel(project, version, ranks) for project, version in found]


def best_wheel(project: str, version: str, ranks: dict[Tag, int]) -> LockedFile:
    """The wheel of a version that fits best."""
    fitting = []
    for file in index.configured().files(project):
        if file.name.endswith(".whl") and f"-{version}-" in file.name and "sha256" in file.hashes:
            rank = min(
                (ranks[tag] for tag in parse_wheel_filename(file.name)[3] if tag in ranks),
                default=None,
            )
            if rank is not None:
                fitting.append((rank, file.name, file.hashes["sha256"]))
    _, name, digest = min(fitting)
    return LockedFile(path=f"pip/{name}", hash=f"sha256:{digest}", source=f"pip:{project}/{name}")


def timed(action: Callable[[], None]) -> float:
    """Seconds that it takes."""
    start = time.monotonic()
    action()
    return time.monotonic() - start


def fetch_list(entries: Path, store: Path) -> None:
    """Fetch in a new process, so that nothing is remembered."""
    subprocess.run([sys.executable, "-m", "bench.fetch", entries, store], check=True)


def pip_download(requirements: Path, folder: Path) -> None:
    """What people do by hand."""
    platforms = [word for platform in PLATFORMS for word in ("--platform", platform)]
    subprocess.run(
        [
            *(
                "uv",
                "tool",
                "run",
                "--quiet",
                "pip",
                "download",
                "--quiet",
                "--no-deps",
                "--no-cache-dir",
            ),
            *("--require-hashes", "--only-binary=:all:", "--python-version", "3.13", *platforms),
            *("--requirement", requirements, "--dest", folder),
        ],
        check=True,
        stderr=subprocess.DEVNULL,  # a warning for every project that an extra index lacks
    )


def check(store: Path, folder: Path) -> None:
    """Both must have fetched the same bytes."""
    ours = sorted(path.stat().st_size for path in store.rglob("*") if path.is_file())
    assert ours == sorted(path.stat().st_size for path in folder.iterdir())


if __name__ == "__main__":
    if len(sys.argv) > 1:
        fetch(parse_list(Path(sys.argv[1]).read_text()), Store(Path(sys.argv[2])), FetchSettings())
    else:
        main()
