"""The lock formats that the engines of pip write. Pure."""

from typing import Protocol

from resolvers.pip import pip_tools_lock, poetry_lock, uv_lock
from resolvers.types.packages import LockFiles, Package
from resolvers.types.request import Target


class LockFormat(Protocol):
    """The interface of a lock format's module; every lock of the format has the file ``FILE``."""

    FILE: str

    def read(self, files: LockFiles) -> tuple[Package, ...]:
        """Return all packages of the lock file."""
        ...

    def packages_for(
        self, files: LockFiles, target: Target, groups: frozenset[str]
    ) -> tuple[Package, ...]:
        """Return the packages that the groups (normalised names) need on the target."""
        ...


FORMATS: tuple[LockFormat, ...] = (poetry_lock, uv_lock, pip_tools_lock)


def lock_format(files: LockFiles) -> LockFormat | None:
    """Return the format of the lock file among the files, or None if there is no lock file."""
    return next((candidate for candidate in FORMATS if candidate.FILE in files), None)
