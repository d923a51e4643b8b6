"""Runs in Poetry's own Python: locks the pyproject.toml in the working folder with Poetry 2.5.1.

Arguments: the address of a simple index, the exact Python version to lock for, and the names of
packages that may be upgraded. Without names, all pins of an existing poetry.lock are kept if
possible. Poetry's own command ``lock`` is not sufficient: it accepts only indexes that
pyproject.toml names, writes their addresses into poetry.lock, and rejects Python versions that it
does not run on.

If there is no solution, prints the line ``UNSOLVABLE``, a line of JSON with the requirements that
led to the conflict, and the explanation, and exits with 1.
"""

import gc
import json
import os
import sys
from pathlib import Path
from typing import ClassVar

gc.disable()  # saves a sixth of the time and costs a few megabytes

# The user's own settings of Poetry must not influence the result, and the index is on loopback.
for variable in list(os.environ):
    if variable.startswith("POETRY_") or variable.lower().endswith("_proxy"):
        del os.environ[variable]
for kind in ("CONFIG", "DATA", "CACHE"):
    os.environ[f"POETRY_{kind}_DIR"] = str(Path.cwd() / f".poetry-{kind.lower()}")

# Poetry reads the environment while it is imported (E402), and is not installed beside Orbiter
# (import-not-found), so its types are unknown below as well (misc).
from cleo.io.buffered_io import BufferedIO  # type: ignore[import-not-found]  # noqa: E402
from poetry.core.constraints.version import Version  # type: ignore[import-not-found]  # noqa: E402
from poetry.core.packages.package import Package  # type: ignore[import-not-found]  # noqa: E402
from poetry.factory import Factory  # type: ignore[import-not-found]  # noqa: E402
from poetry.installation.installer import Installer  # type: ignore[import-not-found]  # noqa: E402
from poetry.mixology.incompatibility_cause import (  # type: ignore[import-not-found]  # noqa: E402
    DependencyCauseError,
)
from poetry.poetry import Poetry  # type: ignore[import-not-found]  # noqa: E402
from poetry.puzzle.exceptions import SolverProblemError  # type: ignore[import-not-found]  # noqa: E402
from poetry.puzzle.provider import (  # type: ignore[import-not-found]  # noqa: E402
    IncompatibleConstraintsError,
)
from poetry.repositories import Repository, RepositoryPool  # type: ignore[import-not-found]  # noqa: E402
from poetry.repositories.legacy_repository import (  # type: ignore[import-not-found]  # noqa: E402
    LegacyRepository,
)
from poetry.repositories.repository_pool import Priority  # type: ignore[import-not-found]  # noqa: E402
from poetry.utils.env import MockEnv  # type: ignore[import-not-found]  # noqa: E402


class AnonymousIndex(LegacyRepository):  # type: ignore[misc]
    """A simple index whose packages, like those of PyPI, do not name their source in the lock.

    ``sources`` has the packages that come from an index in pyproject.toml instead, with its name
    and address. The proxy behind the address of this index already returns only files from there.
    """

    sources: ClassVar[dict[str, tuple[str, str]]] = {}

    def package(self, name: str, version: Version) -> Package:
        """Return the package with its requirements and files."""
        package = super().package(name, version)
        package._source_type, package._source_url, package._source_reference = self._source(name)
        return package

    def _package(self, name: str, version: Version, yanked: str | bool) -> Package:
        kind, url, reference = self._source(name)
        return Package(
            name,
            version,
            source_type=kind,
            source_url=url,
            source_reference=reference,
            yanked=yanked,
        )

    def _source(self, name: str) -> tuple[str, str, str] | tuple[None, None, None]:
        """Return the type, the address and the name of a package's source in the lock."""
        if name not in self.sources:
            return None, None, None
        reference, url = self.sources[name]
        return "legacy", url, reference


def main(url: str, python: str, *movable: str) -> int:
    """Write poetry.lock and return the exit code."""
    index = AnonymousIndex("PyPI", url, disable_cache=True)
    pool = RepositoryPool([index])
    # Poetry creates further pools when it builds an sdist to read its requirements.
    Factory.create_pool = lambda *_, **__: pool
    poetry = Factory().create_poetry(Path.cwd(), disable_plugins=True, disable_cache=True)
    _add_sources(poetry, url)
    installer = _installer(poetry, tuple(int(part) for part in python.split(".")))
    if movable:
        installer.whitelist(movable).update().execute_operations(False)
    else:
        installer.lock(update=False)
    try:
        return int(installer.run())
    except SolverProblemError as error:
        _print_conflict(_requirements(error), error)
    # Two requirements of the same package that contradict each other.
    except IncompatibleConstraintsError as error:
        _print_conflict([], error)
    return 1


def _add_sources(poetry: Poetry, url: str) -> None:
    """Add the indexes of pyproject.toml; the proxy at ``url`` serves them, too."""
    addresses = {}
    for source in poetry.local_config.get("source", ()):
        addresses[source["name"]] = source["url"].rstrip("/")
        index = AnonymousIndex(source["name"], url, disable_cache=True)
        poetry.pool.add_repository(index, priority=Priority.EXPLICIT)
    for dependency in poetry.package.all_requires:
        if name := dependency.source_name:
            AnonymousIndex.sources[dependency.name] = (name, addresses[name])


def _print_conflict(requirements: list[tuple[str, ...]], error: Exception) -> None:
    text = f"UNSOLVABLE\n{json.dumps(requirements)}\n{error}"
    print(text)  # noqa: T201 (the output is the interface of this program)


def _requirements(error: SolverProblemError) -> list[tuple[str, ...]]:
    """Return package, version, dependency and constraint of each requirement in the conflict."""
    requirements: list[tuple[str, ...]] = []
    for incompatibility in error.error._incompatibility.external_incompatibilities:
        if isinstance(incompatibility.cause, DependencyCauseError):
            package, dependency = (term.dependency for term in incompatibility.terms)
            requirements.append(
                (
                    package.complete_name,
                    str(package.constraint),
                    dependency.complete_name,
                    str(dependency.constraint),
                )
            )
    return requirements


def _installer(poetry: Poetry, version: tuple[int, ...]) -> Installer:
    return Installer(
        BufferedIO(),
        MockEnv(version_info=version, platform="linux", is_venv=True),
        poetry.package,
        poetry.locker,
        poetry.pool,
        poetry.config,
        Repository("installed"),
    )


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
