"""Compare ``orbiter lock`` for the project's images with its engines run by hand.

    python -m bench.lock

Prints seconds and ratios, also of the short commands. Needs a Docker engine and several minutes.

The engines run by hand one after the other. apt runs in Debian's image: an update, then a simulated
and a download-only install of each stage. Then follow ``poetry lock`` and ``npm install
--package-lock-only``. Poetry by hand gets an explicit source if the index needs one. It also gets
the exact Python of the image by a few lines of code, because it refuses to lock for a Python that
it does not run on.

Cold means empty caches. Warm means the caches of the cold run, but no lock set.
"""

import os
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from uv import find_uv_bin

from bench.builds import debian_image_set
from bench.pip_lock import by_hand
from bench.support.programs import ORBITER, seconds
from orbiter.config.image_set import ImageSet
from orbiter.config.read import read_image_set
from orbiter.config.stage_graph import groups
from orbiter.docker.shells import solver_image
from resolvers.npm import program
from resolvers.pip import poetry

ROOT = Path(__file__).parent.parent
PIP_ENGINES = ("poetry", "uv")


def main() -> None:
    """Compare locks with cold and with warm caches, then the short commands."""
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        (work / "hand").mkdir()
        for engine in PIP_ENGINES:
            write_images(work / engine, engine)
        install_engines(work)
        for state in ("cold", "warm"):
            compare_lock(work, state)
        compare_short_commands(work)


def write_images(folder: Path, engine: str) -> None:
    """Write images.toml with the project's builder debian and an engine for pip."""
    builder = f'[builder.debian]\npip-engine = "{engine}"'
    text = debian_image_set().replace("[builder.debian]", builder)
    folder.mkdir()
    (folder / "images.toml").write_text(text, encoding="utf-8")


def compare_lock(work: Path, state: str) -> None:
    """Compare `orbiter lock`, with each engine of pip, with the engines run by hand."""
    hand = {
        "apt": seconds(partial(apt_by_hand, work)),
        "poetry": seconds(partial(poetry_by_hand, work)),
        "npm": seconds(partial(npm_by_hand, work)),
    }
    total = sum(hand.values())
    details = ", ".join(f"{manager} {duration:.1f}" for manager, duration in hand.items())
    print(f"{state}: by hand {total:.1f} s ({details})")
    with_poetry, with_uv = (seconds(partial(lock, work, engine)) for engine in PIP_ENGINES)
    ratio = f"{with_poetry / total:.2f} of the time by hand (goal 0.8)"
    print(f"{state}: orbiter lock {with_poetry:.1f} s, {ratio}")
    ratio = f"{with_poetry / with_uv:.1f} times faster than with Poetry (goal 4)"
    print(f"{state}: orbiter lock with uv {with_uv:.1f} s, {ratio}")


def compare_short_commands(work: Path) -> None:
    """Compare `lock --check` with `poetry check --lock`, and `--help` with an empty Python."""
    project = work / "poetry"
    lock_set = next((project / "locks").iterdir()) / "debian"
    python = poetry.interpreter(lambda _line: None)
    # Programs read byte-code from a folder of this run, as they do in a user's installation.
    byte_code = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(work / "bytecode")}

    def median_of(folder: Path, *command: str) -> float:
        return median(partial(run, list(command), folder, byte_code))

    check = median_of(project, *ORBITER, "lock", "--check")
    poetry_check = median_of(lock_set, python, "-m", "poetry", "check", "--lock")
    unchanged = median_of(project, *ORBITER, "lock", "-q")
    help_text = median_of(work, *ORBITER, "--help")
    empty = median_of(work, sys.executable, "-c", "pass")
    ratio = f"ratio {check / poetry_check:.2f} (goal 0.25)"
    print(f"lock --check {check:.3f} s, poetry check --lock {poetry_check:.3f} s, {ratio}")
    print(f"lock with nothing to do {unchanged:.3f} s")
    ratio = f"ratio {help_text / empty:.1f} (goal 0.15 s or ratio 3)"
    print(f"--help {help_text:.3f} s, python -c pass {empty:.3f} s, {ratio}")


def install_engines(work: Path) -> None:
    """Install the engines' own programs before the clock starts."""
    package = f"poetry=={poetry.VERSION}"
    run([find_uv_bin(), "tool", "run", "--from", package, "poetry", "--version"], work)
    run([*program.command(), "--version"], work)
    image = apt_image(read_image_set(ROOT / "images.toml"))
    run(["docker", "run", "--rm", image, "true"], work)


def apt_image(image_set: ImageSet) -> str:
    """Return the image that apt resolves in."""
    return solver_image(image_set.builders["debian"].suite)


def lock(work: Path, engine: str) -> None:
    """Lock the image set with an engine for pip, without an earlier lock set."""
    shutil.rmtree(work / engine / "locks", ignore_errors=True)
    cache = {"ORBITER_CACHE_DIR": str(work / f"cache-{engine}")}
    run([*ORBITER, "lock", "-q"], work / engine, cache)


def apt_by_hand(work: Path) -> None:
    """Update, resolve and download, stage by stage, in one container of the base image."""
    image_set = read_image_set(ROOT / "images.toml")
    lists, archives = work / "apt" / "lists", work / "apt" / "archives"
    for folder in (lists, archives):
        (folder / "partial").mkdir(parents=True, exist_ok=True)
    script = ["rm -f /etc/apt/apt.conf.d/docker*", "set -e", "apt-get update -qq"]
    for group in groups(image_set, "debian", "apt"):
        options = f"-qq --no-install-recommends {shlex.join(group.requirements)}"
        script += [f"apt-get install -{flag} {options} >/dev/null" for flag in ("s", "yd")]
    folders = {lists: "/var/lib/apt/lists", archives: "/var/cache/apt/archives"}
    mounts = [f"--volume={folder}:{target}" for folder, target in folders.items()]
    container = ["docker", "run", "--rm", *mounts, apt_image(image_set)]
    run([*container, "sh", "-c", "\n".join(script)], work)


def poetry_by_hand(work: Path) -> None:
    """Run `poetry lock` on the same requirements, for the same Python."""
    os.environ["POETRY_CACHE_DIR"] = str(work / "poetry-cache")
    by_hand(new_project(work, "poetry"))()


def npm_by_hand(work: Path) -> None:
    """Run npm's lock of the same requirements."""
    image_set = read_image_set(ROOT / "images.toml")
    names = [name for group in groups(image_set, "debian", "npm") for name in group.requirements]
    flags = ["--package-lock-only", "--ignore-scripts", "--no-audit", "--no-fund"]
    cache = f"--cache={work}/npm-cache"
    run([*program.command(), "install", *flags, cache, *names], new_project(work, "npm"))


def new_project(work: Path, name: str) -> Path:
    """Return an empty folder for an engine that runs by hand."""
    project = work / "hand" / name
    shutil.rmtree(project, ignore_errors=True)
    project.mkdir()
    return project


def run(command: list[str], cwd: Path, env: Mapping[str, str] | None = None) -> None:
    """Run a command without its output; if it fails, print the output and exit."""
    process = subprocess.run(
        command, cwd=cwd, env=os.environ | (env or {}), capture_output=True, text=True, check=False
    )
    if process.returncode:
        sys.exit(f"error: {' '.join(command)}\n{process.stdout}{process.stderr}")


def median(action: Callable[[], None], rounds: int = 7) -> float:
    """Return the median seconds of several rounds."""
    return statistics.median(seconds(action) for _ in range(rounds))


if __name__ == "__main__":
    main()
