"""The requirements of the packages in a lock of pip. Pure."""

from collections.abc import Iterator

from packaging.utils import canonicalize_name

from resolvers.pip import markers, poetry_lock, selection
from resolvers.pip.toml_file import read_toml
from resolvers.types.packages import LockedRequirement, LockedRequirements, LockFiles
from resolvers.types.request import Target

OF_EXTRA = "extra"
"""The variable in the markers of requirements that an extra adds."""


def locked_requirements(files: LockFiles, target: Target) -> LockedRequirements:
    """Return the requirements of all packages on the target.

    Only poetry.lock records constraints. It does not record which extras were requested, so the
    requirements of all extras are part of the result, with their markers.
    """
    if poetry_lock.FILE in files:
        return _of_poetry(files, target)
    return {
        (package.name, package.version): tuple(map(LockedRequirement, package.requires))
        for package in selection.read(files)
    }


def _of_poetry(files: LockFiles, target: Target) -> LockedRequirements:
    return {
        (canonicalize_name(table["name"]), table["version"]): tuple(
            requirement
            for name, written in table.get("dependencies", {}).items()
            for requirement in _requirements(canonicalize_name(name), written, target)
        )
        for table in read_toml(files, poetry_lock.FILE).get("package", [])
    }


def _requirements(name: str, written: object, target: Target) -> Iterator[LockedRequirement]:
    """Yield the requirements of one name: a version, a table, or a list of tables by marker."""
    for each in written if isinstance(written, list) else [written]:
        table = each if isinstance(each, dict) else {"version": str(each)}
        version, marker = str(table.get("version", "")), str(table.get("markers", ""))
        if OF_EXTRA in marker:
            yield LockedRequirement(name, constraint=f"{version}; {marker}")
        elif markers.applies(marker, target):
            yield LockedRequirement(name, constraint=version)
