"""Locks the pyproject.toml of the working folder with Poetry; run by the Python that has Poetry 2.5.1.

Arguments: the address of a simple index, the exact Python to lock for, then the names of packages that may
move. Without a name all pins of a poetry.lock that is there stay where they can. Poetry's own ``lock`` command
does not do: it knows only indexes that pyproject.toml names, writes their addresses into poetry.lock, and
refuses a Python on which it does not run.

Ends with code 1 and the explanation on standard output, after the line ``UNSOLVABLE``, when there is no solution.
"""

import gc
import os
import sys
from pathlib import Path

gc.disable()  # a sixth of the time, for a few megabytes
for variable in list(
    os.environ
):  # nothing that this machine keeps for its user's own Poetry may play a part
    if variable.startswith("POETRY_") or variable.lower().endswith("_proxy"):
        del os.environ[variable]
for kind in ("CONFIG", "DATA", "CACHE"):
    os.environ[f"POETRY_{kind}_DIR"] = str(Path.cwd() / f".poetry-{kind.lower()}")

from cleo.io.buffered_io import BufferedIO  # type: ignore[import-not-found]  # noqa: E402
from poetry.core.constraints.version import Version  # type: ignore[import-not-found]  # noqa: E402
from poetry.core.packages.package import Package  # type: ignore[import-not-found]  # noqa: E402
from poetry.factory import Factory  # type: ignore[import-not-found]  # noqa: E402
from poetry.installation.installer import Installer  # type: ignore[import-not-found]  # noqa: E402
from poetry.poetry import Poetry  # type: ignore[import-not-found]  # noqa: E402
from poetry.puzzle.exceptions import SolverProblemError  # type: ignore[import-not-found]  # noqa: E402
from poetry.repositories import Repository, RepositoryPool  # type: ignore[import-not-found]  # noqa: E402
from poetry.repositories.legacy_repository import (  # type: ignore[import-not-found]  # noqa: E402
    LegacyRepository,
)
from poetry.utils.env import MockEnv  # type: ignore[import-not-found]  # noqa: E402


class Index(LegacyRepository):  # type: ignore[misc]
    """A simple index whose packages are as those of the public one: they name no source in the lock."""

    def package(self, name: str, version: Version) -> Package:
        """The package with its requirements and files."""
        package = super().package(name, version)
        package._source_type = package._source_url = package._source_reference = None
        return package

    def _package(self, name: str, version: Version, yanked: str | bool) -> Package:
        return Package(name, version, yanked=yanked)


def main(url: str, python: str, *movable: str) -> int:
    """Write poetry.lock; gives the exit code."""
    index = Index("PyPI", url, disable_cache=True)
    pool = RepositoryPool([index])
    Factory.create_pool = lambda *_, **__: (
        pool
    )  # also what builds the metadata of an sdist asks there
    poetry = Factory().create_poetry(Path.cwd(), disable_plugins=True, disable_cache=True)
    installer = _installer(poetry, tuple(int(part) for part in python.split(".")))
    if movable:
        installer.whitelist(movable).update().execute_operations(False)
    else:
        installer.lock(update=False)
    try:
        return int(installer.run())
    except SolverProblemError as error:
        print(f"UNSOLVABLE\n{error}")  # noqa: T201
        return 1


def _installer(poetry: Poetry, version: tuple[int, ...]) -> Installer:
    env = MockEnv(version_info=version, platform="linux", is_venv=True)
    return Installer(
        BufferedIO(),
        env,
        poetry.package,
        poetry.locker,
        poetry.pool,
        poetry.config,
        Repository("installed"),
    )


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
