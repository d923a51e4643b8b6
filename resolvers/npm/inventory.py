"""Everything that npm installs, including the packages inside of other tarballs. Pure."""

from collections.abc import Mapping

import msgspec

from resolvers.npm.lock_file import (
    NESTED,
    JsonObject,
    LockEntry,
    artifact,
    find,
    package_name,
    parse,
    required_names,
)
from resolvers.npm.manager import selected_paths
from resolvers.types.packages import Artifact, LockFiles
from resolvers.types.request import Target


class InstalledPackage(msgspec.Struct, frozen=True, kw_only=True):
    """A package at one path of the tree.

    ``artifact`` is None for a package inside the tarball of another one, whose path is then
    ``host``. ``requires`` are paths. ``license`` is the text in the lock.
    """

    path: str
    name: str
    version: str
    license: str = ""
    artifact: Artifact | None = None
    host: str = ""
    requires: tuple[str, ...] = ()


def installed_packages(
    files: LockFiles, target: Target, groups: tuple[str, ...]
) -> tuple[InstalledPackage, ...]:
    """Return all packages that the groups together install on the target, sorted by path.

    A package that is installed at several paths occurs several times.
    """
    entries = parse(files).entries
    paths = selected_paths(parse(files), target, groups)
    selected = {path: entries[path] for path in sorted(paths)}
    return tuple(
        _package(selected, path, entry)
        for path, entry in selected.items()
        if "node_modules/" in path and not entry.get("link")
    )


def _package(selected: Mapping[str, JsonObject], path: str, entry: LockEntry) -> InstalledPackage:
    required = (find(selected, path, name) for name in required_names(entry))
    return InstalledPackage(
        path=path,
        name=package_name(path, entry),
        version=str(entry["version"]),
        license=_license(entry.get("license")),
        artifact=artifact(path, entry),
        host=_host(selected, path) if entry.get("inBundle") else "",
        requires=tuple(sorted({name for name in required if name})),
    )


def _host(entries: Mapping[str, LockEntry], path: str) -> str:
    """Return the path of the package whose tarball contains the one at ``path``."""
    host = path.rpartition(NESTED)[0]
    while host in entries and entries[host].get("inBundle"):
        host = host.rpartition(NESTED)[0]
    return host


def _license(value: object) -> str:
    """Return the licence as text; old packages have an object or a list of alternatives."""
    if isinstance(value, dict):
        value = value.get("type")
    if isinstance(value, list):
        return " OR ".join(filter(None, map(_license, value)))
    return value if isinstance(value, str) else ""
