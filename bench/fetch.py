"""Compare ``orbiter fetch`` of a list of wheels with ``pip download`` of the same list.

    python -m bench.fetch

Prints seconds and the ratio. Each run starts with an empty store and without any cache.
"""

import re
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import parse_wheel_filename
from uv import find_uv_bin

from bench.support.programs import seconds
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
    """Lock the list, fetch it in both ways in turn, and compare the best times."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        requirements, wheels = folder / "requirements.txt", folder / "artifacts.txt"
        lock_requirements(requirements)
        wheels.write_text(format_list(select_wheels(requirements.read_text())))
        orbiter_times, pip_times = [], []
        for number in range(ROUNDS):
            store, downloads = folder / f"store-{number}", folder / f"pip-{number}"
            orbiter_times.append(seconds(partial(fetch_list, wheels, store)))
            pip_times.append(seconds(partial(pip_download, requirements, downloads)))
            check_sizes(store, downloads)
            print(f"orbiter {orbiter_times[-1]:.1f} s, pip download {pip_times[-1]:.1f} s")
        count = len(wheels.read_text().splitlines())
    orbiter, pip = min(orbiter_times), min(pip_times)
    print(f"{count} wheels, best of {ROUNDS}: orbiter {orbiter:.1f} s, pip download {pip:.1f} s")
    print(f"ratio {pip / orbiter:.1f} (goal: at least 3)")


def lock_requirements(requirements: Path) -> None:
    """Lock with uv into a requirements file with hashes."""
    source = requirements.with_suffix(".in")
    source.write_text(REQUIREMENTS)
    flags = ["--generate-hashes", "--no-build", "--quiet", "--no-cache"]
    flags += ["--python-version", "3.13", "--python-platform", "x86_64-manylinux_2_40"]
    flags += ["--default-index", index.configured().urls[0]]
    subprocess.run(
        [find_uv_bin(), "pip", "compile", source, "-o", requirements, *flags], check=True
    )


def select_wheels(requirements: str) -> list[LockedFile]:
    """Return the best wheel for each line of a requirements file."""
    tags = [
        *cpython_tags(PYTHON, platforms=PLATFORMS),
        *compatible_tags(PYTHON, "cp313", PLATFORMS),
    ]
    ranks = {tag: rank for rank, tag in enumerate(tags)}
    pins = re.findall(r"^([\w.-]+)==(\S+)", requirements, re.MULTILINE)
    return [best_wheel(project, version, ranks) for project, version in pins]


def best_wheel(project: str, version: str, ranks: dict[Tag, int]) -> LockedFile:
    """Return the wheel of a version with the lowest rank."""
    candidates = []
    for file in index.configured().files(project):
        is_wheel = file.name.endswith(".whl") and f"-{version}-" in file.name
        if is_wheel and "sha256" in file.hashes:
            candidates += [
                (ranks[tag], file.name, file.hashes["sha256"])
                for tag in parse_wheel_filename(file.name)[3]
                if tag in ranks
            ]
    _, name, digest = min(candidates)
    return LockedFile(path=f"pip/{name}", hash=f"sha256:{digest}", source=f"pip:{project}/{name}")


def fetch_list(wheels: Path, store: Path) -> None:
    """Fetch in a new process, which remembers nothing of earlier runs."""
    subprocess.run([sys.executable, "-m", "bench.fetch", wheels, store], check=True)


def pip_download(requirements: Path, folder: Path) -> None:
    """Run `pip download`."""
    flags = ["--quiet", "--no-deps", "--no-cache-dir", "--require-hashes"]
    flags += ["--only-binary=:all:", "--python-version", "3.13"]
    flags += [word for platform in PLATFORMS for word in ("--platform", platform)]
    command = [find_uv_bin(), "tool", "run", "--quiet", "pip", "download", *flags]
    subprocess.run(
        [*command, "--requirement", requirements, "--dest", folder],
        check=True,
        stderr=subprocess.DEVNULL,  # a warning for each project that an extra index lacks
    )


def check_sizes(store: Path, downloads: Path) -> None:
    """Check that both have fetched files of the same sizes."""
    stored = sorted(path.stat().st_size for path in store.rglob("*") if path.is_file())
    assert stored == sorted(path.stat().st_size for path in downloads.iterdir())


if __name__ == "__main__":
    if len(sys.argv) > 1:
        fetch(parse_list(Path(sys.argv[1]).read_text()), Store(Path(sys.argv[2])), FetchSettings())
    else:
        main()
