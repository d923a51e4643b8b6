"""The error for locked packages without a file for a target. Pure."""

from resolvers.errors import ExpectedError
from resolvers.pip import wheels
from resolvers.types.packages import Package
from resolvers.types.request import Target

LISTED_WHEELS = 8
"""Maximum number of wheels that the error lists."""


def missing_files(
    packages: list[Package], target: Target, allowed_sdists: frozenset[str]
) -> ExpectedError:
    """Return the error for packages with neither a fitting wheel nor an allowed sdist."""
    libc = f" and {target.libc}" if target.libc else ""
    environment = f"{target.platform}, Python {target.python}{libc}"
    first, *others = packages
    if others:
        names = ", ".join(f"{package.name} {package.version}" for package in packages)
        message = f"{len(packages)} packages have no wheel for {environment}: {names}"
    else:
        wheel_names = _wheel_names(first)
        message = f"{first.name} {first.version} has no wheel for {environment}: {wheel_names}"
    return ExpectedError(message, _hint(packages, allowed_sdists))


def _wheel_names(package: Package) -> str:
    names = [artifact.file for artifact in package.artifacts if artifact.file.endswith(".whl")]
    if not names:
        return "it has no wheels at all"
    listed = ", ".join(names[:LISTED_WHEELS])
    unlisted = len(names) - LISTED_WHEELS
    if unlisted > 0:
        return f"it has {listed} and {unlisted} more"
    return f"it has {listed}"


def _hint(packages: list[Package], allowed_sdists: frozenset[str]) -> str:
    """Suggest to build the packages that have an sdist, and to change the versions of the others.

    A package with an allowed sdist is here because that sdist is missing.
    """
    buildable: dict[str, None] = {}
    others: dict[str, None] = {}
    for package in packages:
        has_sdist = wheels.sdist(package.artifacts) is not None
        if has_sdist and package.name not in allowed_sdists:
            buildable[package.name] = None
        else:
            others[package.name] = None
    if not buildable:
        return f"require another version of {', '.join(others)}"
    names = ", ".join(f'"{name}"' for name in buildable)
    sdists = "its sdist" if len(buildable) == 1 else "their sdists"
    build = f"allow building {sdists} with pip-sdist = [{names}]"
    if others:
        return f"{build}; require another version of {', '.join(others)}"
    return f"{build}, or require another version of {', '.join(buildable)}"
