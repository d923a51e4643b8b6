"""Packages whose versions differ between the builders of one release.

These packages are compared:

- Python distributions from pip or conda, by their name in the form of PEP 503. A conda package that
  requires Python usually has the name of its distribution. If pip resolved on top of conda, the
  lock of pip lists the exact names.
- Python itself.
- npm packages in images.toml. Their requirements may have several versions within one builder.

Packages of apk and apt are not compared: each distribution has its own names and versions.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

import msgspec
from packaging.utils import canonicalize_name

from orbiter.config.image_set import Builder, ImageSet
from orbiter.config.requirements import direct_names
from orbiter.config.stage_graph import builder_stages
from orbiter.diff.versions import sort_key
from orbiter.lockset.inputs import inputs_digest, locked_files
from orbiter.lockset.model import BuilderFacts, LockSet
from orbiter.lockset.targets import targets
from resolvers.managers import MANAGERS
from resolvers.npm import lock_file
from resolvers.pip import pyproject
from resolvers.types.packages import LockFiles
from resolvers.types.request import Target


class ComparableName(NamedTuple):
    """A package's name, and the ecosystem that it belongs to: "pip" for all of Python, or "npm"."""

    name: str
    ecosystem: str


PackageVersions = Iterator[tuple[ComparableName, str]]

PYTHON = ComparableName("python", "pip")
PYTHON_PACKAGES = {"python", "python_abi"}


class BuilderDifference(msgspec.Struct, frozen=True, kw_only=True):
    """A package, its versions by builder, and whether images.toml requests it by name."""

    name: str
    versions: Mapping[str, tuple[str, ...]]
    direct: bool


def builder_differences(lock_set: LockSet) -> tuple[BuilderDifference, ...]:
    """Return the packages that several builders have in different versions, by name.

    Parts whose lock does not match images.toml are not compared.
    """
    image_set = lock_set.image_set
    if len(image_set.builders) == 1:
        return ()
    packages: dict[ComparableName, dict[str, tuple[str, ...]]] = {}
    for builder in image_set.builders.values():
        for name, versions in _versions(image_set, builder, lock_set).items():
            packages.setdefault(name, {})[builder.name] = tuple(sorted(versions))
    direct = _direct_names(image_set)
    return tuple(
        BuilderDifference(name=name.name, versions=by_builder, direct=name in direct)
        for name, by_builder in sorted(packages.items())
        if _has_differences(name.ecosystem, by_builder.values())
    )


def _has_differences(ecosystem: str, versions: Iterable[tuple[str, ...]]) -> bool:
    return len({_comparable(ecosystem, of_builder) for of_builder in versions}) > 1


def _comparable(ecosystem: str, versions: tuple[str, ...]) -> frozenset[object]:
    """Return versions as keys, because 1.0 equals 1.0.0 in pip; an invalid version is its own."""
    if ecosystem != "pip":
        return frozenset(versions)
    return frozenset(sort_key("pip", version) or version for version in versions)


def _direct_names(image_set: ImageSet) -> set[ComparableName]:
    """Return the names that images.toml requests, and Python, whose version it determines."""
    direct = {PYTHON}
    for (_, manager), names in direct_names(image_set).items():
        if manager == "npm":
            direct |= {ComparableName(name, "npm") for name in names}
        elif manager in READERS:
            direct |= {ComparableName(canonicalize_name(name), "pip") for name in names}
    return direct


def _versions(
    image_set: ImageSet, builder: Builder, lock_set: LockSet
) -> dict[ComparableName, set[str]]:
    """Return the versions of the packages of a builder that can be compared.

    The lock of pip overrides that of conda for names in both.
    """
    facts = lock_set.manifest.builders.get(builder.name, BuilderFacts())
    bases = lock_set.manifest.bases.get(builder.base, {})
    stages = tuple(stage.name for stage in builder_stages(image_set, builder.name))
    versions: dict[ComparableName, set[str]] = {}
    # Until all parts are locked, the version of Python is a guess.
    if lock_set.is_complete and facts.python:
        versions[PYTHON] = {facts.python}
    for manager, read in READERS.items():
        files = locked_files(lock_set, builder.name, manager)
        if not files:
            continue
        expected = inputs_digest(image_set, builder, manager, facts, bases)
        if facts.inputs.get(manager, "") == expected:
            versions |= _collect(read(files, targets(image_set, facts), stages))
    return versions


def _collect(packages: PackageVersions) -> dict[ComparableName, set[str]]:
    versions: dict[ComparableName, set[str]] = {}
    for name, version in packages:
        versions.setdefault(name, set()).add(version)
    return versions


def _read_conda(
    files: LockFiles, _targets: tuple[Target, ...], _stages: tuple[str, ...]
) -> PackageVersions:
    """Yield the packages that require Python.

    Others may share a name with a distribution: ``graphviz`` is a program in conda, but a module
    in pip.
    """
    for package in MANAGERS["conda"].read(files):
        if package.name == "python" or not PYTHON_PACKAGES.isdisjoint(package.requires):
            yield ComparableName(canonicalize_name(package.name), "pip"), package.version


def _read_pip(
    files: LockFiles, targets: tuple[Target, ...], stages: tuple[str, ...]
) -> PackageVersions:
    """Yield the packages that pip installs on any platform, and those that conda provides."""
    for target in targets:
        for pin in MANAGERS["pip"].select(files, target, stages):
            yield ComparableName(pin.name, "pip"), pin.version
    provided = pyproject.provided_anywhere(files)
    if not provided:
        return
    for package in MANAGERS["pip"].read(files):
        if package.name in provided:
            yield ComparableName(package.name, "pip"), package.version


def _read_npm(
    files: LockFiles, _targets: tuple[Target, ...], _stages: tuple[str, ...]
) -> PackageVersions:
    """Yield the packages that images.toml requests."""
    tree = lock_file.parse(files)
    for name in {name for names in tree.groups.values() for name in names}:
        yield ComparableName(name, "npm"), tree.entries[f"node_modules/{name}"]["version"]


READERS: Mapping[
    str, Callable[[LockFiles, tuple[Target, ...], tuple[str, ...]], PackageVersions]
] = {
    "conda": _read_conda,
    "pip": _read_pip,
    "npm": _read_npm,
}
