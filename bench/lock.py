"""Time `orbiter lock` for this image set against its engines run by hand, and the small commands.

Prints seconds and ratios of one run; needs a Docker engine. `python -m bench.lock` takes several minutes.

By hand, one after the other: apt in Debian's image (update, then a simulated and a download-only install of each
stage), `poetry lock` and `npm install --package-lock-only`. Poetry by hand gets what a person would give it: an
explicit source where the index needs one, and the exact Python of the image (by a few lines of code, since it refuses
to lock for a Python that it does not run on). Cold: no caches at all. Warm: the caches of the cold run, no lock set.
"""

import os
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from uv import find_uv_bin

from bench.builds import debian
from bench.pip_lock import by_hand
from orbiter.config.image_set import ImageSet
from orbiter.config.read import read_image_set
from orbiter.config.stage_graph import groups
from orbiter.docker.shells import solver_image
from resolvers.npm import program
from resolvers.pip import poetry

ROOT = Path(__file__).parent.parent
ORBITER = [sys.executable, "-m", "orbiter"]


def main() -> None:
    """Measure, and print what was measured."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        (work / "hand").mkdir()
        for name in ("poetry", "uv"):
            (work / name).mkdir()
            engine = f'[builder.debian]\npip-engine = "{name}"'
            (work / name / "images.toml").write_text(
                debian().replace("[builder.debian]", engine), encoding="utf-8"
            )
        warm_up_engines(work)
        for state in ("cold", "warm"):
            compare_lock(work, state)
        compare_small(work)


def compare_lock(work: Path, state: str) -> None:
    """`orbiter lock` with each engine of pip, against the engines by hand."""
    by_hand = {
        "apt": timed(lambda: apt_by_hand(work)),
        "poetry": timed(lambda: poetry_by_hand(work)),
    }
    by_hand["npm"] = timed(lambda: npm_by_hand(work))
    total = sum(by_hand.values())
    print(
        f"{state}: by hand {total:.1f} s ({', '.join(f'{k} {v:.1f}' for k, v in by_hand.items())})"
    )
    seconds = {name: timed(partial(orbiter_lock, work, name)) for name in ("poetry", "uv")}
    print(
        f"{state}: orbiter lock {seconds['poetry']:.1f} s: {seconds['poetry'] / total:.2f} of the sum (aim 0.8)"
    )
    ratio = seconds["poetry"] / seconds["uv"]
    print(
        f"{state}: orbiter lock with uv {seconds['uv']:.1f} s: {ratio:.1f} times faster than with Poetry (aim 4)"
    )


def compare_small(work: Path) -> None:
    """`lock --check` against `poetry check --lock`, and `--help` against an empty Python."""
    as_installed = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(work / "bytecode")}
    check = median(lambda: run([*ORBITER, "lock", "--check"], work / "poetry", as_installed))
    locked = next((work / "poetry" / "locks").iterdir()) / "debian"
    by_poetry = [
        poetry.interpreter(lambda _line: None),
        "-m",
        "poetry",
        "check",
        "--lock",
    ]
    poetry_check = median(lambda: run(by_poetry, locked, as_installed))
    ratio = check / poetry_check
    print(
        f"lock --check {check:.3f} s, poetry check --lock {poetry_check:.3f} s: {ratio:.2f} (aim 0.25)"
    )
    again = median(lambda: run([*ORBITER, "lock", "-q"], work / "poetry", as_installed))
    print(f"lock with nothing to do {again:.3f} s")
    helped = median(lambda: run([*ORBITER, "--help"], work, as_installed))
    empty = median(lambda: run([sys.executable, "-c", "pass"], work, as_installed))
    print(
        f"--help {helped:.3f} s, python -c pass {empty:.3f} s: {helped / empty:.1f} times (aim 0.15 s or 3 times)"
    )


def warm_up_engines(work: Path) -> None:
    """Install the engines' own programs, which neither side is to be charged with."""
    run(
        [
            find_uv_bin(),
            "tool",
            "run",
            "--from",
            f"poetry=={poetry.VERSION}",
            "poetry",
            "--version",
        ],
        work,
    )
    run([*program.command(), "--version"], work)
    run(["docker", "run", "--rm", solver(read_image_set(ROOT / "images.toml")), "true"], work)


def solver(image_set: ImageSet) -> str:
    """The image that apt solves in."""
    return solver_image(image_set.builders["debian"].suite)


def orbiter_lock(work: Path, engine: str) -> None:
    """A first lock of the image set."""
    shutil.rmtree(work / engine / "locks", ignore_errors=True)
    run(
        [*ORBITER, "lock", "-q"],
        work / engine,
        {"ORBITER_CACHE_DIR": str(work / f"cache-{engine}")},
    )


def apt_by_hand(work: Path) -> None:
    """Update, solve and download, stage by stage, in one container of the base image."""
    image_set = read_image_set(ROOT / "images.toml")
    (work / "apt" / "lists" / "partial").mkdir(parents=True, exist_ok=True)
    (work / "apt" / "archives" / "partial").mkdir(parents=True, exist_ok=True)
    lines = ["set -e", "apt-get update -qq"]
    for group in groups(image_set, "debian", "apt"):
        names = shlex.join(group.requirements)
        lines += [
            f"apt-get install -{flag} -qq --no-install-recommends {names} >/dev/null"
            for flag in ("s", "yd")
        ]
    mounts = [
        f"--volume={work}/apt/lists:/var/lib/apt/lists",
        f"--volume={work}/apt/archives:/var/cache/apt/archives",
    ]
    script = "\n".join(["rm -f /etc/apt/apt.conf.d/docker*", *lines])
    run(["docker", "run", "--rm", *mounts, solver(image_set), "sh", "-c", script], work)


def poetry_by_hand(work: Path) -> None:
    """`poetry lock` on the same requirements, for the same Python."""
    os.environ["POETRY_CACHE_DIR"] = str(work / "poetry-cache")
    project = work / "hand" / "poetry"
    shutil.rmtree(project, ignore_errors=True)
    project.mkdir()
    by_hand(project)()


def npm_by_hand(work: Path) -> None:
    """npm's lock of the same requirements."""
    image_set = read_image_set(ROOT / "images.toml")
    project = work / "hand" / "npm"
    shutil.rmtree(project, ignore_errors=True)
    project.mkdir()
    names = [name for group in groups(image_set, "debian", "npm") for name in group.requirements]
    flags = [
        "--package-lock-only",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        f"--cache={work}/npm-cache",
    ]
    run([*program.command(), "install", *flags, *names], project)


def run(command: list[str], cwd: Path, env: Mapping[str, str] | None = None) -> None:
    """Run a command whose output nobody needs; what fails is shown."""
    everything = {**os.environ, **(env or {})}
    done = subprocess.run(
        command, cwd=cwd, env=everything, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")


def timed(work: Callable[[], None]) -> float:
    """Seconds that it took."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def median(work: Callable[[], None], rounds: int = 7) -> float:
    """The median seconds of some rounds."""
    return statistics.median(timed(work) for _ in range(rounds))


if __name__ == "__main__":
    main()
