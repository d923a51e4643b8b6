"""The engines of pip, and the lock formats they write."""

from collections.abc import Mapping, Set
from typing import NamedTuple, Protocol

from resolvers import uv_program
from resolvers.errors import ExpectedError
from resolvers.pip import poetry, poetry_lock, uv, uv_lock
from resolvers.types import LockFiles, Package, Request, Target


class Solver(Protocol):
    """The interface of an engine's module."""

    def project(self, request: Request, shared: Set[str] = ...) -> str:
        """Return the text of pyproject.toml."""
        ...

    def lock(
        self, request: Request, previous: tuple[Package, ...], shared: Set[str] = ...
    ) -> LockFiles:
        """Solve, and return pyproject.toml and the engine's lock file.

        ``shared`` names the provided distributions whose own requirements pip must meet.
        """
        ...


class LockFormat(Protocol):
    """The interface of a lock format's module."""

    FILE: str

    def read(self, files: LockFiles) -> tuple[Package, ...]:
        """Return all packages of the lock file."""
        ...

    def packages_for(
        self, files: LockFiles, target: Target, groups: frozenset[str]
    ) -> tuple[Package, ...]:
        """Return the packages that the groups (normalised names) need on the target."""
        ...


class Engine(NamedTuple):
    """An engine with its version and its lock format."""

    version: str
    solver: Solver
    lock_format: LockFormat


ENGINES: Mapping[str, Engine] = {
    "poetry": Engine(poetry.VERSION, poetry, poetry_lock),
    "uv": Engine(uv_program.version(), uv, uv_lock),
}
DEFAULT = "poetry"


def engine(name: str) -> Engine:
    """Return an engine, the default one for ""; raise ExpectedError if it is unknown."""
    name = name or DEFAULT
    if name not in ENGINES:
        raise ExpectedError(
            f"pip has no engine '{name}'", f"available engines are {', '.join(ENGINES)}"
        )
    return ENGINES[name]


def lock_format(files: LockFiles) -> LockFormat | None:
    """Return the format of the lock file among the files, or None if there is no lock file."""
    formats = (engine.lock_format for engine in ENGINES.values())
    return next((candidate for candidate in formats if candidate.FILE in files), None)
