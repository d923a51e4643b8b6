"""How long it takes to lock the project's pip list: with Orbiter's two engines, and with Poetry by hand.

    python -m bench.pip_lock

By hand means ``poetry lock`` on a pyproject.toml that names the index as its source (without that Poetry fails on
indexes that offer HTML only). Cold is with empty caches, warm with those of the cold run; nobody starts from an
older lock. All versions are pinned and installed before the clock starts.
"""

import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from resolvers.index import index
from resolvers.pip import manager as pip
from resolvers.pip import poetry
from resolvers.types import Group, Request, Target

TARGET = Target(platform="linux/amd64", python="3.13.5", glibc="2.41")
LIST = [
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
GROUPS = (Group(name="debian-base-build", requirements=tuple(LIST)),)
ROUNDS = ("cold", "warm")
# Poetry refuses a Python on which it does not run; by hand it needs at least this little of a push
BY_HAND = """
import sys
from poetry.console.application import Application
from poetry.utils.env import EnvManager, MockEnv
EnvManager.create_venv = lambda *_, **__: MockEnv(version_info=(3, 13, 5))
sys.argv = ["poetry", "lock", "--no-interaction"]
Application().run()
"""


def by_orbiter(engine: str) -> Callable[[], None]:
    """Lock by the manager pip of Orbiter."""
    return lambda: print(f"    {len(pip.read(pip.resolve(_request(engine))))} packages")


def by_hand(folder: Path) -> Callable[[], None]:
    """Lock by the program poetry."""
    source = f'\n[[tool.poetry.source]]\nname = "index"\nurl = "{index.configured().urls[0]}"\n'
    (folder / "pyproject.toml").write_text(
        poetry.project(_request("poetry")) + source, encoding="utf-8"
    )
    python = poetry.interpreter(lambda _line: None)

    def lock() -> None:
        (folder / "poetry.lock").unlink(missing_ok=True)
        subprocess.run(
            [python, "-I", "-c", BY_HAND], cwd=folder, check=True, stdout=subprocess.DEVNULL
        )

    return lock


def _request(engine: str) -> Request:
    return Request(groups=GROUPS, targets=(TARGET,), engine=engine)


@contextmanager
def empty_caches() -> Iterator[Path]:
    """A folder in which the caches of all programs lie for as long as the context lasts."""
    with tempfile.TemporaryDirectory(prefix="orbiter-bench-") as name:
        folder = Path(name)
        names = {"ORBITER_CACHE_DIR": "orbiter", "POETRY_CACHE_DIR": "poetry", "UV_CACHE_DIR": "uv"}
        os.environ |= {variable: str(folder / part) for variable, part in names.items()}
        yield folder


def timed(lock: Callable[[], None]) -> float:
    """Seconds of wall time."""
    index._index.cache_clear()  # a new process would not know the pages either
    start = time.monotonic()
    lock()
    return time.monotonic() - start


def main() -> None:
    """Run all and print seconds and ratios."""
    seconds: dict[tuple[str, str], float] = {}
    for name in ("orbiter, poetry", "poetry by hand", "orbiter, uv"):
        with empty_caches() as folder:
            engine = name.rpartition(" ")[2]
            lock = by_hand(folder) if "hand" in name else by_orbiter(engine)
            poetry.interpreter(lambda _line: None)  # installing the engine is no part of locking
            for each in ROUNDS:
                seconds[name, each] = timed(lock)
                print(f"{name:16} {each}  {seconds[name, each]:6.1f} s", flush=True)
    for each in ROUNDS:
        hand, own = seconds["poetry by hand", each], seconds["orbiter, poetry", each]
        print(
            f"{each}: orbiter / poetry by hand {own / hand:.2f}, poetry / uv {own / seconds['orbiter, uv', each]:.1f}"
        )


if __name__ == "__main__":
    main()
