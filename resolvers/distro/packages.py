"""Locked packages of apk and apt, in the form that all managers share."""

from collections.abc import Iterable, Mapping
from typing import Protocol, TypeVar

from resolvers.errors import ExpectedError
from resolvers.types.packages import Artifact, Package, Pin, sorted_union
from resolvers.types.request import Target

V = TypeVar("V")


class SystemPackage(Protocol):
    """The fields that the packages of apk.lock and apt.lock have in common."""

    @property
    def name(self) -> str:
        """Name of the package."""

    @property
    def version(self) -> str:
        """Exact version."""

    @property
    def platforms(self) -> tuple[str, ...]:
        """Platforms that it is locked for."""

    @property
    def groups(self) -> tuple[str, ...]:
        """Groups that add it."""

    @property
    def file(self) -> str:
        """Path below the address of a mirror."""

    @property
    def size(self) -> int:
        """Size of the file in bytes."""

    @property
    def sha256(self) -> str:
        """Hash of the file."""

    @property
    def source(self) -> str:
        """Source of the file, as ``Artifact`` has it."""

    @property
    def requires(self) -> tuple[str, ...]:
        """Names of the packages that it needs."""


def read_packages(manager: str, packages: Iterable[SystemPackage]) -> tuple[Package, ...]:
    """Return one package per name and version, with one artifact per architecture."""
    # A lock has an entry per architecture; their groups and requirements may differ.
    by_version: dict[tuple[str, str], list[SystemPackage]] = {}
    for package in packages:
        by_version.setdefault((package.name, package.version), []).append(package)
    return tuple(
        Package(
            manager=manager,
            name=name,
            version=version,
            platforms=sorted_union(variant.platforms for variant in variants),
            groups=sorted_union(variant.groups for variant in variants),
            requires=sorted_union(variant.requires for variant in variants),
            artifacts=tuple(sorted({_artifact(variant) for variant in variants})),
        )
        for (name, version), variants in sorted(by_version.items())
    )


def select_pins(
    packages: Iterable[SystemPackage], platform: str, groups: tuple[str, ...]
) -> tuple[Pin, ...]:
    """Return the packages that the groups add to the base image, sorted by name."""
    pins = []
    for package in packages:
        if platform in package.platforms and not set(groups).isdisjoint(package.groups):
            artifact = _artifact(package)
            pins.append(Pin(name=package.name, version=package.version, artifact=artifact))
    return tuple(sorted(pins))


def _artifact(package: SystemPackage) -> Artifact:
    return Artifact(
        file=package.file.rpartition("/")[2],
        hash=f"sha256:{package.sha256}",
        size=package.size,
        source=package.source,
    )


def locked_platform(platforms: Mapping[str, V], target: Target, *, file: str) -> V:
    """Return the locked platform of a target. Raises ExpectedError if the lock does not have it."""
    if target.platform not in platforms:
        raise ExpectedError(
            f"{file} is not locked for {target.platform}", "lock for this platform: orbiter lock"
        )
    return platforms[target.platform]
