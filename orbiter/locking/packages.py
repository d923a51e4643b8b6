"""Read the packages and names in one manager's lock files."""

from resolvers.managers import MANAGERS
from resolvers.types.packages import LockFiles, Package


def locked_packages(manager: str, files: LockFiles) -> tuple[Package, ...]:
    """Return a manager's locked packages, without pip packages that conda provides. Pure."""
    if not files:
        return ()
    packages = MANAGERS[manager].read(files)
    if manager != "pip":
        return packages
    from resolvers.pip import pyproject

    from_conda = pyproject.provided_anywhere(files)
    return tuple(package for package in packages if package.name not in from_conda)


def locked_names(manager: str, files: LockFiles) -> set[str]:
    """Return the names of a manager's locked packages."""
    return {package.name for package in locked_packages(manager, files)}
