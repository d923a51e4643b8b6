"""The packages of a lock as advisories name them, and those that no advisory covers. Pure."""

import re
from collections.abc import Collection, Iterable, Iterator
from typing import Literal

import msgspec
from packaging.utils import canonicalize_name

from orbiter.advisories.system_sources import EcosystemSource, Sources, system_sources
from orbiter.config.image_set import Stage
from orbiter.diff.filter import restrict_lock
from orbiter.lockfiles.types import Lock, PackageEntry, Scope

Certainty = Literal["exact", "derived", "by name"]
"""The way a package was matched.

- "exact": by the name and version of its ecosystem.
- "derived": the version of the Debian source package is derived from that of the binary package.
- "by name": by its name only, not confirmed; so for conda, and for packages from git or a folder.
"""
ECOSYSTEMS = {"npm": "npm", "pip": "PyPI"}
SYSTEM = ("apk", "apt")
CONDA_NAMES = {
    "build": "build",
    "matplotlib-base": "matplotlib",
    "python-build": "build",
    "pytorch": "torch",
    "pytorch-cpu": "torch",
    "pytorch-gpu": "torch",
    "tensorflow-base": "tensorflow",
}
"""PyPI's names of conda packages that have another name there."""
PYTHON_BUILD = re.compile(r"(?:.*_)?py(?:h|[23])")
"""Beginning of the build of a conda package with Python code: ``py312h…``, ``pyhd8…``."""
NOT_PYTHON = "conda packages without Python code have no advisories in OSV"
NO_ECOSYSTEM = "Orbiter has no advisories for this manager"
NO_PACKAGES = "the lock does not list the packages of the base image"
NETWORK = "the lock does not list what this stage loads with network = true"
DOWNLOAD = "files with an address have no advisories"


class Occurrence(msgspec.Struct, frozen=True, order=True):
    """A locked package in an environment on a platform."""

    environment: str
    platform: str
    manager: str
    package: str
    version: str
    certainty: Certainty = "exact"


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """A version of a package as advisories name it, with the locked packages that are of it."""

    ecosystem: str
    name: str
    version: str
    occurrences: tuple[Occurrence, ...]


class NotCovered(msgspec.Struct, frozen=True, order=True):
    """A locked package that cannot be looked up; "not covered" does not mean "clean".

    ``environments`` is empty for a base image and other parts that are not packages.
    """

    manager: str
    package: str
    version: str
    reason: str
    environments: tuple[str, ...] = ()


class Subjects(msgspec.Struct, frozen=True, kw_only=True):
    """All packages of a lock, in either of two ways."""

    covered: tuple[Subject, ...]
    not_covered: tuple[NotCovered, ...]

    @property
    def ecosystems(self) -> set[str]:
        """Return the ecosystems of the covered packages."""
        return {subject.ecosystem for subject in self.covered}

    @property
    def by_name(self) -> tuple[Subject, ...]:
        """Return the covered packages that nothing but their name identifies."""
        return tuple(
            subject
            for subject in self.covered
            if all(each.certainty == "by name" for each in subject.occurrences)
        )


def restrict(
    lock: Lock,
    *,
    images: Collection[str] = (),
    platforms: Collection[str] = (),
    managers: Collection[str] = (),
) -> Lock:
    """Return a lock with only these images, platforms and managers; an empty filter matches all.

    Unlike a lock that is compared, it keeps its lock set, which names source packages.
    """
    restricted = restrict_lock(lock, images=images, platforms=platforms, managers=managers)
    return msgspec.structs.replace(restricted, lock_set=lock.lock_set)


def subjects_of(lock: Lock) -> Subjects:
    """Return the packages of a lock as advisories name them.

    Raises ExpectedError if a lock file of a lock set is invalid.
    """
    sources = system_sources(lock.lock_set) if lock.lock_set else Sources()
    covered: dict[tuple[str, str, str], set[Occurrence]] = {}
    not_covered: dict[NotCovered, set[str]] = {image: set() for image in _unlisted(lock)}
    for scope, entries in lock.packages.items():
        for entry in entries:
            found = _identity(entry, scope, sources)
            if isinstance(found, NotCovered):
                not_covered.setdefault(found, set()).add(scope.environment)
                continue
            ecosystem, name, version, certainty = found
            occurrence = Occurrence(
                scope.environment,
                scope.platform,
                entry.manager,
                entry.name,
                entry.version,
                certainty,
            )
            covered.setdefault((ecosystem, name, version), set()).add(occurrence)
    return Subjects(
        covered=tuple(_subjects(covered)),
        not_covered=tuple(
            msgspec.structs.replace(each, environments=tuple(sorted(environments)))
            for each, environments in sorted(not_covered.items(), key=lambda item: item[0])
        ),
    )


def _subjects(covered: dict[tuple[str, str, str], set[Occurrence]]) -> Iterator[Subject]:
    for (ecosystem, name, version), occurrences in sorted(covered.items()):
        yield Subject(
            ecosystem=ecosystem,
            name=name,
            version=version,
            occurrences=tuple(sorted(occurrences)),
        )


def _unlisted(lock: Lock) -> Iterable[NotCovered]:
    """Yield the parts of a lock set's images whose packages it does not list."""
    if not lock.lock_set:
        return
    image_set = lock.lock_set.image_set
    images = {scope.environment for scope in lock.packages}
    builders = {stage.builder for stage in image_set.stages if stage.name in images}
    for builder in image_set.builders.values():
        if builder.name in builders and builder.base:
            yield NotCovered("docker", builder.base, "", NO_PACKAGES)
    for stage in image_set.stages:
        if stage.builder in builders and stage.network:
            yield NotCovered("network", stage.name, "", NETWORK)
        if stage.builder in builders:
            yield from (NotCovered("download", url, "", DOWNLOAD) for url in _downloads(stage))


def _downloads(stage: Stage) -> set[str]:
    """Return the addresses of the files that apk and apt do not install."""
    return {
        file.url
        for download in stage.downloads or ()
        if not download.is_package
        for file in download.platforms.values()
    }


def _identity(
    entry: PackageEntry, scope: Scope, sources: Sources
) -> tuple[str, str, str, Certainty] | NotCovered:
    if entry.manager not in SYSTEM:
        return index_identity(entry)
    found = sources.find(scope.environment, entry)
    if isinstance(found, EcosystemSource):
        certainty: Certainty = "derived" if found.is_derived else "exact"
        return found.ecosystem, found.name, found.version, certainty
    return NotCovered(entry.manager, entry.name, entry.version, found)


def index_identity(entry: PackageEntry) -> tuple[str, str, str, Certainty] | NotCovered:
    """Return the ecosystem, the name and the version of a package from an index or a channel."""
    if entry.manager in ECOSYSTEMS:
        certainty: Certainty = "by name" if entry.build else "exact"
        return ECOSYSTEMS[entry.manager], entry.name, entry.version, certainty
    if entry.manager != "conda":
        return NotCovered(entry.manager, entry.name, entry.version, NO_ECOSYSTEM)
    if not _is_python(entry):
        return NotCovered(entry.manager, entry.name, entry.version, NOT_PYTHON)
    name = canonicalize_name(CONDA_NAMES.get(entry.name, entry.name))
    return "PyPI", name, entry.version, "by name"


def _is_python(entry: PackageEntry) -> bool:
    """Return whether a conda package contains Python code, as far as the lock shows."""
    return bool(PYTHON_BUILD.match(entry.build)) or not {"python", "python_abi"}.isdisjoint(
        entry.requires
    )
