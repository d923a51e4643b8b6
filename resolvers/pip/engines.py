"""The engines of pip, with the lock format that each writes."""

from collections.abc import Mapping, Set
from typing import NamedTuple, Protocol

from resolvers import uv_program
from resolvers.errors import ExpectedError
from resolvers.pip import pip_tools, pip_tools_lock, poetry, poetry_lock, uv, uv_lock
from resolvers.pip.lock_formats import LockFormat
from resolvers.types.packages import LockFiles, Package
from resolvers.types.request import Request


class Solver(Protocol):
    """The interface of an engine's module."""

    def project(self, request: Request, shared: Set[str] = ...) -> str:
        """Return the text of pyproject.toml."""
        ...

    def lock(
        self, request: Request, previous: tuple[Package, ...], shared: Set[str] = ...
    ) -> LockFiles:
        """Solve, and return pyproject.toml and the engine's lock files.

        ``shared`` names the provided distributions whose own requirements pip must meet.
        """
        ...


class Engine(NamedTuple):
    """An engine with its version and its lock format."""

    version: str
    solver: Solver
    lock_format: LockFormat


ENGINES: Mapping[str, Engine] = {
    "poetry": Engine(poetry.VERSION, poetry, poetry_lock),
    "uv": Engine(uv_program.version(), uv, uv_lock),
    "pip-tools": Engine(pip_tools.VERSION, pip_tools, pip_tools_lock),
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
