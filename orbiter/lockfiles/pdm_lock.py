"""Reader of pdm.lock, format 4: https://pdm-project.org/latest/usage/lockfile/.

A package has an additional table for each set of its extras, which requires the package itself.
"""

import re
from collections.abc import Iterable

import msgspec

from orbiter.lockfiles.document import (
    as_number,
    convert,
    load_toml,
    unsupported_version,
    without_credentials,
)
from orbiter.lockfiles.pip_files import file_name, foreign_file_note, normalise
from orbiter.lockfiles.types import Lock, PackageEntry, PackageFile, Scope

NEWEST = 4
MARK = re.compile(r'^lock_version = "', re.MULTILINE)
REQUIRED_NAME = re.compile(r"[A-Za-z0-9][\w.-]*")
DEFAULT_GROUP = "default"


class _File(msgspec.Struct, gc=False):
    hash: str = ""
    file: str = ""
    url: str = ""


class _Package(msgspec.Struct):
    name: str
    version: str = ""
    groups: tuple[str, ...] = ()
    dependencies: tuple[str, ...] = ()
    files: tuple[_File, ...] = ()
    git: str = ""
    revision: str = ""
    url: str = ""
    path: str = ""


class _Metadata(msgspec.Struct):
    lock_version: str


class _Document(msgspec.Struct):
    metadata: _Metadata
    package: tuple[_Package, ...] = ()


def recognises(text: str) -> bool:
    """Return whether a text has the metadata of a pdm.lock."""
    return "[metadata]\n" in text and MARK.search(text) is not None


def read(name: str, text: str) -> Lock:
    """Read a pdm.lock; the format does not record direct requirements or sizes."""
    document = convert(name, text, load_toml(name, text), _Document)
    version = document.metadata.lock_version
    major = as_number(version.partition(".")[0])
    if major is None or major > NEWEST:
        raise unsupported_version(name, "pdm.lock", version, f"{NEWEST}.x")
    tables: dict[tuple[str, str, str], list[_Package]] = {}
    for package in document.package:
        key = (normalise(package.name), package.version, _source(package))
        tables.setdefault(key, []).append(package)
    packages = tuple(_entry(*key, same) for key, same in tables.items())
    notes = (foreign_file_note(entry.name, entry.version, entry.files) for entry in packages)
    return Lock(
        name=name,
        format=f"pdm.lock {version}",
        packages={Scope(): packages},
        notes=tuple(filter(None, notes)),
    )


def _source(package: _Package) -> str:
    return without_credentials(package.git or package.url or package.path)


def _entry(name: str, version: str, source: str, same: list[_Package]) -> PackageEntry:
    """Return the entry of a package, given the tables of its sets of extras."""
    files = dict.fromkeys(_file(file) for package in same for file in package.files)
    groups = dict.fromkeys(group for package in same for group in package.groups)
    return PackageEntry(
        manager="pip",
        name=name,
        version=version,
        build=same[0].revision,
        source=source,
        files=tuple(files),
        requires=_requires(name, (text for package in same for text in package.dependencies)),
        groups=tuple(group for group in groups if group != DEFAULT_GROUP),
    )


def _file(file: _File) -> PackageFile:
    hashes = (file.hash,) if file.hash else ()
    return PackageFile(file.file or file_name(file.url), hashes)


def _requires(name: str, requirements: Iterable[str]) -> tuple[str, ...]:
    matches = filter(None, map(REQUIRED_NAME.match, requirements))
    return tuple(sorted({normalise(match[0]) for match in matches} - {name}))
