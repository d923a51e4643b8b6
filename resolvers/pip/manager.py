"""The manager pip: wheels for the exact Python of the image, solved by Poetry, uv or pip-tools."""

from resolvers.pip import build_requirements
from resolvers.pip.selection import read, select
from resolvers.types.packages import LockFiles, Pin
from resolvers.types.request import Request, Target

__all__ = ["build_pins", "read", "resolve", "select"]


def resolve(request: Request) -> LockFiles:
    """Lock the pip requirements; return {} if there are none.

    The files are pyproject.toml, the engine's lock files and, if sdists are built,
    build-requirements.txt. Returns the previous files if nothing changed and nothing should be
    upgraded. Raises UnsolvableError, ExpectedError if a package has no file for a target, and the
    errors of the engine.
    """
    # Slow to import, and not needed for reading a lock.
    from resolvers.pip.resolve import resolve as resolve_with_engine

    return resolve_with_engine(request)


def build_pins(files: LockFiles, target: Target) -> tuple[Pin, ...]:
    """Return the wheels that building the lock's sdists needs on the target. Pure."""
    return build_requirements.pins(files, target)
