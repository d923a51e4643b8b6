"""Measure the time to lock the project's pip list.

    python -m bench.pip_lock

Compares both pip engines of Orbiter with ``poetry lock`` run by hand. By hand, the pyproject.toml
names the index as its source, because Poetry fails on indexes that offer only HTML. Cold means
empty caches, warm the caches of the cold run. No run starts from an older lock. All versions are
pinned and installed before the clock starts.
"""

import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from bench.support.programs import seconds
from resolvers.index import index
from resolvers.pip import manager as pip
from resolvers.pip import poetry
from resolvers.types.request import Group, Request, Target

TARGET = Target(platform="linux/amd64", python="3.13.5", glibc="2.41")
REQUIREMENTS = [
    "numpy",
    "pandas",
    "jupyterlab",
    "altair",
    "altair_saver",
    "nbgitpuller",
    "jupyter-server-proxy",
    "jupyterlab-spellchecker",
    "matplotlib",
    "jupyterlab-git",
    "cython",
    "bash_kernel",
    "sshkernel",
    "jupyter-book<2",
    "sphinx-book-theme",
    "sphinx-thebe",
    "jupyterhub",
]
GROUPS = (Group(name="debian-base-build", requirements=tuple(REQUIREMENTS)),)
CACHE_STATES = ("cold", "warm")
BY_HAND = """
import sys
from poetry.console.application import Application
from poetry.utils.env import EnvManager, MockEnv
EnvManager.create_venv = lambda *_, **__: MockEnv(version_info=(3, 13, 5))
sys.argv = ["poetry", "lock", "--no-interaction"]
Application().run()
"""
"""Runs `poetry lock` for a Python that Poetry does not run on, which it otherwise refuses."""


def main() -> None:
    """Run all variants and print seconds and ratios."""
    by_engine = {engine: partial(lock_by_orbiter, engine) for engine in ("poetry", "uv")}
    with empty_caches():
        poetry_times = measure("orbiter, poetry", by_engine["poetry"])
    with empty_caches() as folder:
        hand_times = measure("poetry by hand", by_hand(folder))
    with empty_caches():
        uv_times = measure("orbiter, uv", by_engine["uv"])
    for state in CACHE_STATES:
        to_hand = poetry_times[state] / hand_times[state]
        to_uv = poetry_times[state] / uv_times[state]
        print(f"{state}: orbiter / poetry by hand {to_hand:.2f}, poetry / uv {to_uv:.1f}")


def measure(title: str, lock: Callable[[], None]) -> dict[str, float]:
    """Lock with cold and with warm caches, and return the seconds of each."""
    poetry.interpreter(lambda _line: None)  # installs the engine before the clock starts
    durations: dict[str, float] = {}
    for state in CACHE_STATES:
        index._index.cache_clear()  # a new process would not know the pages either
        durations[state] = seconds(lock)
        print(f"{title:16} {state}  {durations[state]:6.1f} s", flush=True)
    return durations


def lock_by_orbiter(engine: str) -> None:
    """Lock with Orbiter's manager pip, and print the number of packages."""
    files = pip.resolve(_request(engine))
    print(f"    {len(pip.read(files))} packages")


def by_hand(folder: Path) -> Callable[[], None]:
    """Prepare a project, and return a function that runs Poetry's own `poetry lock` in it."""
    source = f'\n[[tool.poetry.source]]\nname = "index"\nurl = "{index.configured().urls[0]}"\n'
    project = poetry.project(_request("poetry")) + source
    (folder / "pyproject.toml").write_text(project, encoding="utf-8")
    command = [poetry.interpreter(lambda _line: None), "-I", "-c", BY_HAND]

    def lock() -> None:
        (folder / "poetry.lock").unlink(missing_ok=True)
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)

    return lock


def _request(engine: str) -> Request:
    return Request(groups=GROUPS, targets=(TARGET,), engine=engine)


@contextmanager
def empty_caches() -> Iterator[Path]:
    """Point the caches of all programs to an empty folder until the block ends."""
    with tempfile.TemporaryDirectory(prefix="orbiter-bench-") as name:
        folder = Path(name)
        for variable in ("ORBITER_CACHE_DIR", "POETRY_CACHE_DIR", "UV_CACHE_DIR"):
            os.environ[variable] = str(folder / variable)
        yield folder


if __name__ == "__main__":
    main()
