"""Reader of pnpm-lock.yaml, versions 5 to 9: https://github.com/pnpm/spec/tree/master/lockfile.

A copy of a package is identified by name, version and, in parentheses, the peers that it got.
Version 9 describes files under ``packages`` and copies under ``snapshots``.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from orbiter.lockfiles.conda_lock import has_key
from orbiter.lockfiles.document import (
    DAMAGED,
    as_number,
    convert,
    unsupported_version,
    without_credentials,
)
from orbiter.lockfiles.npm_files import merge_copies, required_names, tarball
from orbiter.lockfiles.types import Copy, Lock, PackageEntry, Scope
from orbiter.lockfiles.yaml import load_yaml
from resolvers.errors import ExpectedError

OLDEST, NEWEST = 5, 9
WITH_SLASHES = 5
"""Last version with ``/NAME/VERSION_PEERS`` as the id of a copy."""

PEERS_OF_5 = re.compile(r"_.*")
KINDS = ("dependencies", "devDependencies", "optionalDependencies")


class _Resolution(msgspec.Struct):
    integrity: str = ""
    tarball: str = ""
    repo: str = ""
    commit: str = ""
    directory: str = ""


class _Package(msgspec.Struct, rename="camel"):
    name: str = ""
    version: str = ""
    resolution: _Resolution = msgspec.field(default_factory=_Resolution)
    dependencies: dict[str, str] = {}
    optional_dependencies: dict[str, str] = {}


class _Context(NamedTuple):
    """Copies by id, the name of each, and the ids that the projects require."""

    copies: Mapping[str, _Package]
    names: dict[str, str]
    direct: frozenset[str]


def recognises(text: str) -> bool:
    """Return whether a text has the keys of a pnpm-lock.yaml."""
    return has_key(text, "lockfileVersion") and text.lstrip()[:1] != "{"


def read(name: str, text: str) -> Lock:
    """Read a pnpm-lock.yaml."""
    data = load_yaml(name, text)
    version = str(data.get("lockfileVersion") or "")
    major = as_number(version.partition(".")[0])
    if major is None or major < OLDEST:
        raise ExpectedError(
            f"{name}: the 'lockfileVersion' must be a number from {OLDEST} to {NEWEST}", DAMAGED
        )
    if major > NEWEST:
        raise unsupported_version(name, "pnpm-lock.yaml", version, f"{NEWEST}.x")
    files = convert(name, text, data.get("packages") or {}, dict[str, _Package])
    snapshots = convert(name, text, data.get("snapshots") or {}, dict[str, _Package])
    copies = snapshots or files
    names = {id_: _identity(id_, copies[id_], major)[0] for id_ in copies}
    direct = frozenset(_direct(data, names))
    context = _Context(copies, names, direct)
    entries = [_entry(name, id_, files.get(_without_peers(id_)), context, major) for id_ in copies]
    return Lock(
        name=name, format=f"pnpm-lock.yaml {version}", packages={Scope(): merge_copies(entries)}
    )


def _direct(data: Mapping[str, Any], ids: Mapping[str, str]) -> Iterator[str]:
    """Yield the copies that the projects require; without a workspace, the file is the project."""
    importers = data.get("importers")
    projects = list(importers.values()) if isinstance(importers, dict) else [data]
    for project in projects:
        for kind in KINDS:
            listed = project.get(kind) if isinstance(project, dict) else None
            for name, value in listed.items() if isinstance(listed, dict) else ():
                version = value.get("version", "") if isinstance(value, dict) else value
                yield from _find(ids, name, str(version))


def _find(ids: Mapping[str, str], name: str, version: str) -> Iterator[str]:
    """Yield the copy that a requirement selects; an alias names the copy itself."""
    candidates = (version, f"{name}@{version}", f"/{name}@{version}", f"/{name}/{version}")
    yield from [candidate for candidate in candidates if candidate in ids][:1]


def _without_peers(id_: str) -> str:
    return id_.partition("(")[0]


def _identity(id_: str, package: _Package, major: int) -> tuple[str, str]:
    """Return the name and the version of a copy."""
    text = _without_peers(id_).removeprefix("/")
    separator = "/" if major <= WITH_SLASHES else "@"
    name, _, version = text.rpartition(separator)
    if major <= WITH_SLASHES:
        version = PEERS_OF_5.sub("", version)
    elif "@" in text[1:]:
        # The version may be a URL, which can contain an @.
        rest = text[1:].partition("@")
        name, version = text[:1] + rest[0], rest[2]
    return package.name or name, package.version or version


def _entry(
    file: str, id_: str, described: _Package | None, context: _Context, major: int
) -> PackageEntry:
    package = context.copies[id_]
    described = described or package
    name, version = _identity(id_, described, major)
    requirements = package.dependencies | package.optional_dependencies
    required = tuple(
        found
        for required, reference in requirements.items()
        for found in _find(context.names, required, reference)
    )
    is_direct = id_ in context.direct
    resolution = described.resolution
    try:
        files = tarball(name, version, resolution.integrity, resolution.tarball)
    except ValueError as error:
        raise ExpectedError(f"{file}: {id_}: the integrity is not a valid hash", DAMAGED) from error
    return PackageEntry(
        manager="npm",
        name=name,
        version=version,
        build=resolution.commit,
        source=_source(resolution),
        files=files,
        requires=required_names(required, context.names),
        direct=is_direct,
        copies=(Copy(id_, required, is_direct),),
    )


def _source(resolution: _Resolution) -> str:
    """Return the address of a package that is not from a registry; "" for all others."""
    return without_credentials(resolution.repo or resolution.directory or resolution.tarball)
