"""The packages of a lock, and the files that a target installs. Pure."""

from collections.abc import Mapping
from typing import NamedTuple

from msgspec.structs import replace
from packaging.utils import canonicalize_name

from resolvers.index.source import source_of
from resolvers.pip import direct, lock_formats, pyproject, wheels
from resolvers.pip.missing_files import missing_files
from resolvers.types.options import DirectFile
from resolvers.types.packages import Artifact, LockFiles, Package, Pin
from resolvers.types.request import Target


def read(files: LockFiles) -> tuple[Package, ...]:
    """Return all packages of the lock, with all of their files. Pure."""
    lock_format = lock_formats.lock_format(files)
    if lock_format is None:
        return ()
    sources = _Sources(pyproject.index_names(files), direct.by_name(files))
    return tuple(sources.of_package(package) for package in lock_format.read(files))


class _Sources(NamedTuple):
    """The places that images.toml names for packages: an index, or a direct file."""

    indexes: Mapping[str, str]
    direct: Mapping[str, DirectFile]

    def of_package(self, package: Package) -> Package:
        """Return the package with the places in its artifacts."""
        if package.name not in self.indexes and package.name not in self.direct:
            return package
        artifacts = tuple(self.of_artifact(package.name, each) for each in package.artifacts)
        return replace(package, artifacts=artifacts)

    def of_artifact(self, name: str, artifact: Artifact) -> Artifact:
        """Return an artifact of a package with its place."""
        if name in self.direct:
            return direct.of_file(self.direct[name], artifact)
        index_name = self.indexes.get(name, "")
        return replace(artifact, source=source_of(name, artifact.file, index_name))


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
    sources = _Sources(pyproject.index_names(files), direct.by_name(files))
    pins: list[Pin] = []
    without_file: list[Package] = []
    for package in lock_format.packages_for(files, target, normalised):
        if package.name in from_conda:
            continue
        if artifact := _select_file(package, target, allowed_sdists):
            artifact = sources.of_artifact(package.name, artifact)
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
