"""The requirements of the packages in package-lock.json. Pure."""

from collections.abc import Iterator

from resolvers.npm.lock_file import (
    LockEntry,
    PackageTree,
    find,
    package_name,
    parse,
    registry_packages,
    required_names,
)
from resolvers.types.packages import LockedRequirement, LockedRequirements, LockFiles

FIELDS = ("dependencies", "optionalDependencies", "peerDependencies")
"""The fields of an entry that name requirements; the first one that has a name counts."""


def locked_requirements(files: LockFiles) -> LockedRequirements:
    """Return the requirements of all packages; those of several copies together."""
    tree = parse(files)
    found: dict[tuple[str, str], set[LockedRequirement]] = {}
    for path, entry in registry_packages(tree):
        key = package_name(path, entry), entry["version"]
        found.setdefault(key, set()).update(_requirements(tree, path, entry))
    return {key: tuple(sorted(requirements)) for key, requirements in found.items()}


def _requirements(tree: PackageTree, path: str, entry: LockEntry) -> Iterator[LockedRequirement]:
    for name in required_names(entry):
        required_path = find(tree.entries, path, name)
        required = tree.entries[required_path] if required_path else {}
        if required_path and not required.get("link"):
            constraint = next(str(entry[key][name]) for key in FIELDS if name in entry.get(key, ()))
            yield LockedRequirement(
                package_name(required_path, required), required["version"], constraint
            )


def direct_packages(files: LockFiles) -> frozenset[tuple[str, str]]:
    """Return the name and the version of each package that a group requires."""
    tree = parse(files)
    paths = {find(tree.entries, "", name) for names in tree.groups.values() for name in names}
    return frozenset(
        (package_name(path, tree.entries[path]), tree.entries[path]["version"])
        for path in paths
        if path and not tree.entries[path].get("link")
    )
