"""Reader of yarn.lock of Yarn 2 and later: https://yarnpkg.com/advanced/lexicon#lockfile.

Each key lists the descriptors with which others require the package. Members of the workspace are
packages, too; what they require is direct.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from orbiter.lockfiles.conda_lock import has_key
from orbiter.lockfiles.document import DAMAGED, as_number, convert, unsupported_version
from orbiter.lockfiles.npm_files import merge_copies, required_names
from orbiter.lockfiles.types import Copy, Lock, PackageEntry, PackageFile, Scope
from orbiter.lockfiles.yaml import load_yaml
from resolvers.errors import ExpectedError

NEWEST = 10
METADATA = "__metadata"
REGISTRY, WORKSPACE, PATCH = "npm:", "workspace:", "patch:"


class _Package(msgspec.Struct, rename="camel"):
    version: str
    resolution: str
    dependencies: dict[str, Any] = {}
    checksum: str = ""
    link_type: str = ""


def recognises(text: str) -> bool:
    """Return whether a text has the metadata of Yarn."""
    return has_key(text, METADATA)


def read(name: str, text: str) -> Lock:
    """Read a yarn.lock of Yarn 2 or later; its checksums are those of Yarn's own archives."""
    data = load_yaml(name, text)
    metadata = data.pop(METADATA)
    number = metadata.get("version") if isinstance(metadata, dict) else None
    version = as_number(number)
    if version is None:
        raise ExpectedError(f"{name}: {METADATA} has no version", DAMAGED)
    if version > NEWEST:
        raise unsupported_version(name, "yarn.lock", version, str(NEWEST))
    packages = convert(name, text, data, dict[str, _Package])
    ids = {
        descriptor.strip(): package.resolution
        for key, package in packages.items()
        for descriptor in key.split(",")
    }
    names = {package.resolution: _name(package) for package in packages.values()}
    direct = {
        required
        for package in packages.values()
        if _is_member(package)
        for required in _required(package, ids)
    }
    entries = [
        _entry(package, ids, names, direct)
        for package in packages.values()
        if not package.resolution.endswith("@workspace:.")
    ]
    return Lock(name=name, format=f"yarn.lock {version}", packages={Scope(): merge_copies(entries)})


def _is_member(package: _Package) -> bool:
    return package.link_type == "soft" and _reference(package).startswith(WORKSPACE)


def _name(package: _Package) -> str:
    """Return the name in a resolution such as ``@scope/a@npm:1.0.0``."""
    return package.resolution[:1] + package.resolution[1:].partition("@")[0]


def _reference(package: _Package) -> str:
    return package.resolution[1:].partition("@")[2]


def _required(package: _Package, ids: Mapping[str, str]) -> tuple[str, ...]:
    """Return the packages that a package requires; older versions omit ``npm:``."""
    found = []
    for name, range_ in package.dependencies.items():
        descriptors = (f"{name}@{range_}", f"{name}@{REGISTRY}{range_}")
        found += [ids[descriptor] for descriptor in descriptors if descriptor in ids][:1]
    return tuple(dict.fromkeys(found))


def _entry(
    package: _Package, ids: Mapping[str, str], names: dict[str, str], direct: set[str]
) -> PackageEntry:
    name, required = _name(package), _required(package, ids)
    is_direct = package.resolution in direct or _is_member(package)
    return PackageEntry(
        manager="npm",
        name=name,
        version=package.version,
        source=_source(package),
        files=_files(name, package),
        requires=required_names(required, names),
        direct=is_direct,
        copies=(Copy(package.resolution, required, is_direct),),
    )


def _source(package: _Package) -> str:
    """Return the reference of a package that is not from the registry; "" for all others."""
    reference = _reference(package)
    if reference.startswith(REGISTRY):
        return ""
    return reference.removeprefix(WORKSPACE)


def _files(name: str, package: _Package) -> tuple[PackageFile, ...]:
    """Return Yarn's archive; only checksums with the same cache key are comparable."""
    key, slash, digits = package.checksum.rpartition("/")
    if not digits:
        return ()
    algorithm = f"zip-{key}" if slash else "zip"
    return (
        PackageFile(f"{name.rpartition('/')[2]}-{package.version}.zip", (f"{algorithm}:{digits}",)),
    )
