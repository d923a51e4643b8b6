"""Reader of poetry.lock from 2018 to format 2.1.

Format: https://python-poetry.org/docs/basic-usage/#installing-with-poetrylock.
Hashes were first in ``[metadata.hashes]``, without file names, then in ``[metadata.files]``. Since
2.0 they are part of the package.
"""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from orbiter.lockfiles.document import (
    DAMAGED,
    as_number,
    convert,
    load_toml,
    unsupported_version,
    without_credentials,
)
from orbiter.lockfiles.pip_files import foreign_file_note, normalise, parse_distribution
from orbiter.lockfiles.types import Lock, PackageEntry, PackageFile, Scope
from resolvers.errors import ExpectedError

NEWEST = "2.1"
METADATA = "\n[metadata]\n"
METADATA_KEY = re.compile(r"^(?:lock-version|content-hash) *=", re.MULTILINE)


class _File(msgspec.Struct, gc=False):
    file: str
    hash: str


class _Source(msgspec.Struct, gc=False):
    type: str
    url: str = ""
    reference: str = ""
    resolved_reference: str = ""


class _Package(msgspec.Struct, rename="kebab"):
    name: str
    version: str
    category: str = ""
    optional: bool = False
    groups: tuple[str, ...] = ()
    dependencies: dict[str, Any] = {}
    files: tuple[_File, ...] = ()
    source: _Source | None = None


class _Metadata(msgspec.Struct, rename="kebab"):
    lock_version: str = "0"
    files: dict[str, tuple[_File, ...]] = {}
    hashes: dict[str, tuple[str, ...]] = {}


class _Document(msgspec.Struct):
    metadata: _Metadata | None = None
    package: tuple[_Package, ...] = ()


def recognises(text: str) -> bool:
    """Return whether a text has packages or metadata as only a poetry.lock has them."""
    if "[[package]]\n" in text and "\npython-versions = " in text:
        return True
    # Splitting keeps this linear, however often the text repeats the header.
    _, *tables = f"\n{text}".split(METADATA)
    return any(METADATA_KEY.search(_until_next_table(table)) for table in tables)


def _until_next_table(text: str) -> str:
    return f"\n{text}".partition("\n[")[0]


def read(name: str, text: str) -> Lock:
    """Read a poetry.lock; the format does not record direct requirements or sizes."""
    data = load_toml(name, text)
    version = _check_version(name, data)
    document = convert(name, text, data, _Document)
    if document.metadata is None:
        raise ExpectedError(f"{name}: no [metadata]: the end of the file is missing", DAMAGED)
    provided = _provided_by_extras(document.package)
    packages = tuple(
        _read_package(package, document.metadata, provided) for package in document.package
    )
    notes = (
        foreign_file_note(package.name, package.version, package.files) for package in packages
    )
    return Lock(
        name=name,
        format=f"poetry.lock {version}",
        packages={Scope(): packages},
        notes=tuple(filter(None, notes)),
    )


def _check_version(name: str, data: Mapping[str, Any]) -> str:
    """Return the format version before anything else is read: a newer one may differ anywhere."""
    metadata = data.get("metadata")
    version = str(metadata.get("lock-version", "0")) if isinstance(metadata, dict) else "0"
    major = as_number(version.partition(".")[0])
    if major is None or major > int(NEWEST.partition(".")[0]):
        raise unsupported_version(name, "poetry.lock", version, NEWEST)
    return version


def _read_package(package: _Package, metadata: _Metadata, provided: frozenset[str]) -> PackageEntry:
    source, commit = _source(package.source)
    return PackageEntry(
        manager="pip",
        name=normalise(package.name),
        version=package.version,
        build=commit,
        source=source,
        files=_files(package, metadata),
        requires=_requires(package.dependencies, provided),
        groups=_groups(package),
    )


def _groups(package: _Package) -> tuple[str, ...]:
    """Return the groups of a package; older formats had one category instead."""
    groups = package.groups
    if not groups and package.category:
        groups = (package.category,)
    return (*groups, "optional") if package.optional else groups


def _source(source: _Source | None) -> tuple[str, str]:
    """Return the URL that a package comes from, and its commit for git."""
    if source is None:
        return "", ""
    commit = source.resolved_reference or source.reference
    return without_credentials(source.url), commit if source.type == "git" else ""


def _files(package: _Package, metadata: _Metadata) -> tuple[PackageFile, ...]:
    files = package.files
    if not files:
        listed = metadata.files.get(package.name, ())
        # A name may have two versions, which share the list.
        own = tuple(file for file in listed if parse_distribution(file.file)[1] == package.version)
        files = own or listed
    if files:
        return tuple(PackageFile(file.file, (file.hash,)) for file in files)
    hashes = metadata.hashes.get(package.name, ())
    return tuple(PackageFile("", (f"sha256:{sha256}",)) for sha256 in hashes)


def _provided_by_extras(packages: tuple[_Package, ...]) -> frozenset[str]:
    """Return the packages that only extras require.

    The lock does not record the selected extras, but one of them must have added these.
    """
    required = {
        normalise(name)
        for package in packages
        for name, specification in package.dependencies.items()
        if not _is_extra(specification)
    }
    return frozenset({normalise(package.name) for package in packages} - required)


def _requires(dependencies: dict[str, Any], provided: frozenset[str]) -> tuple[str, ...]:
    names = {
        normalise(name)
        for name, specification in dependencies.items()
        if not _is_extra(specification) or normalise(name) in provided
    }
    return tuple(sorted(names))


def _is_extra(specification: object) -> bool:
    """Return whether a dependency applies to extras only."""
    if isinstance(specification, list):
        return all(map(_is_extra, specification))
    return isinstance(specification, dict) and specification.get("optional") is True
