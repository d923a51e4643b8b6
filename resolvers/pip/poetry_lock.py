"""The lock format of Poetry: poetry.lock, version 2.1. Pure."""

from packaging.utils import canonicalize_name

from resolvers.pip import markers
from resolvers.pip.toml_file import Table, read_toml
from resolvers.types.packages import Artifact, LockFiles, Package
from resolvers.types.request import Target

FILE = "poetry.lock"


def read(files: LockFiles) -> tuple[Package, ...]:
    """Return all packages of the lock, sorted."""
    return tuple(sorted(map(_package, _tables(files))))


def packages_for(files: LockFiles, target: Target, groups: frozenset[str]) -> tuple[Package, ...]:
    """Return the packages that the groups (normalised names) need on the target.

    Poetry has merged the markers along all paths to a package, per group, into the package.
    """
    return tuple(_package(table) for table in _tables(files) if _applies(table, target, groups))


def _tables(files: LockFiles) -> list[Table]:
    tables: list[Table] = read_toml(files, FILE).get("package", [])
    return tables


def _applies(package: Table, target: Target, groups: frozenset[str]) -> bool:
    marker = package.get("markers", "")  # a string for all groups, or a table by group
    for group in package["groups"]:
        of_group = marker if isinstance(marker, str) else marker.get(group, "")
        if canonicalize_name(group) in groups and markers.applies(of_group, target):
            return True
    return False


def _package(package: Table) -> Package:
    name = canonicalize_name(package["name"])
    artifacts = (
        Artifact(file=file["file"], hash=file["hash"], source=f"{name}/{file['file']}")
        for file in package["files"]
    )
    requires = set(map(canonicalize_name, package.get("dependencies", {})))
    return Package(
        manager="pip",
        name=name,
        version=package["version"],
        groups=tuple(package["groups"]),
        requires=tuple(sorted(requires)),
        artifacts=tuple(artifacts),
    )
