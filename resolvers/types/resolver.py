"""The interface of every manager."""

from typing import Protocol

from resolvers.types.packages import LockFiles, Package, Pin
from resolvers.types.request import Request, Target


class Resolver(Protocol):
    """The interface of every manager; the module ``resolvers.<manager>.manager`` implements it."""

    def resolve(self, request: Request) -> LockFiles:
        """Run the engine and return the lock files; return ``{}`` if nothing is required.

        Raises UnsolvableError if no set of packages meets the requirements, and other
        ExpectedErrors.
        """
        ...

    def read(self, files: LockFiles) -> tuple[Package, ...]:
        """Return all packages of the lock files. Pure."""
        ...

    def select(self, files: LockFiles, target: Target, groups: tuple[str, ...]) -> tuple[Pin, ...]:
        """Return the packages that the groups together install on the target, sorted by name. Pure.

        Raises ExpectedError if a locked package has no file for the target.
        """
        ...
