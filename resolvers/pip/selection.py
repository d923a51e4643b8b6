"""The packages of a lock, and the files that a target installs. Pure."""

from collections.abc import Mapping

from msgspec.structs import replace
from packaging.utils import canonicalize_name

from resolvers.index.source import source_of
from resolvers.pip import lock_formats, pyproject, wheels
from resolvers.pip.missing_files import missing_files
from resolvers.types import Artifact, LockFiles, Package, Pin, Target


def read(files: LockFiles) -> tuple[Package, ...]:
    """Return all packages of the lock, with all of their files. Pure."""
    lock_format = lock_formats.lock_format(files)
    if lock_format is None:
        return ()
    indexes = pyproject.index_names(files)
    return tuple(_with_index(package, indexes) for package in lock_format.read(files))


def _with_index(package: Package, indexes: Mapping[str, str]) -> Package:
    """Return the package with the index that images.toml names for it in its artifacts."""
    if package.name not in indexes:
        return package
    artifacts = tuple(
        replace(each, source=source_of(package.name, each.file, indexes[package.name]))
        for each in package.artifacts
    )
    return replace(package, artifacts=artifacts)


def select(files: LockFiles, target: Target, groups: tuple[str, ...]) -> tuple[Pin, ...]:
    """Return the files that the groups together install on the target, sorted by name. Pure.

    The file of a package is the best wheel, or an allowed sdist. Distributions that conda provides
    in any of the groups are left out; so pass all parents of a stage, including those without pip
    requirements. Raises ExpectedError that names all packages without a file.
    """
    lock_format = lock_formats.lock_format(files)
    if lock_format is None:
        return ()
    normalised = frozenset(canonicalize_name(group) for group in groups)
    from_conda = pyproject.provided(files, target.platform, groups)
    allowed_sdists = pyproject.allowed_sdists(files)
    indexes = pyproject.index_names(files)
    pins: list[Pin] = []
    without_file: list[Package] = []
    for package in lock_format.packages_for(files, target, normalised):
        if package.name in from_conda:
            continue
        if artifact := _select_file(package, target, allowed_sdists):
            source = source_of(package.name, artifact.file, indexes.get(package.name, ""))
            artifact = replace(artifact, source=source)
            pins.append(Pin(name=package.name, version=package.version, artifact=artifact))
        else:
            without_file.append(package)
    if without_file:
        raise missing_files(sorted(without_file), target, allowed_sdists)
    return tuple(sorted(pins))


def _select_file(
    package: Package, target: Target, allowed_sdists: frozenset[str]
) -> Artifact | None:
    wheel = wheels.best_wheel(package.artifacts, target)
    if wheel is None and package.name in allowed_sdists:
        return wheels.sdist(package.artifacts)
    return wheel
