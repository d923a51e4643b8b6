"""poetry.lock, from 2018 to format 2.1: https://python-poetry.org/docs/basic-usage/#installing-with-poetrylock.

Hashes lie in ``[metadata.hashes]`` (no file names), later in ``[metadata.files]``, since 2.0 with the package.
"""

import re
from typing import Any

import msgspec

from orbiter.lockfiles.document import DAMAGED, address, as_number, load_toml, too_new, typed
from orbiter.lockfiles.pip_files import normal, project, strangers
from orbiter.lockfiles.types import Lock, PackageEntry, PackageFile, Scope
from resolvers.errors import ExpectedError

NEWEST = "2.1"
METADATA = re.compile(
    r"^\[metadata\]\n(?:[^\[].*\n?)*?(?:lock-version|content-hash) *=", re.MULTILINE
)


class _File(msgspec.Struct, gc=False):
    file: str
    hash: str


class _Source(msgspec.Struct, gc=False):
    type: str
    url: str = ""
    reference: str = ""
    resolved_reference: str = ""


class _Entry(msgspec.Struct, rename="kebab"):
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
    package: tuple[_Entry, ...] = ()


def recognises(text: str) -> bool:
    """Whether a text is a poetry.lock: its packages, or its metadata, look like no other tool's."""
    return ("[[package]]\n" in text and "\npython-versions = " in text) or METADATA.search(
        text
    ) is not None


def read(name: str, text: str) -> Lock:
    """Read a poetry.lock. It does not tell what was asked for by a person, nor sizes."""
    data = load_toml(name, text)
    version = _version(name, data)
    document = typed(name, text, data, _Document)
    if document.metadata is None:
        raise ExpectedError(f"{name}: it has no [metadata], so its end is missing", DAMAGED)
    optional = _optional_needs(document.package)
    packages = tuple(_locked(entry, document.metadata, optional) for entry in document.package)
    notes = (strangers(package.name, package.version, package.files) for package in packages)
    return Lock(
        name=name,
        format=f"poetry.lock {version}",
        packages={Scope(): packages},
        notes=tuple(filter(None, notes)),
    )


def _version(name: str, data: dict[str, Any]) -> str:
    """The format's version, read before all else, for one of the future may look different everywhere."""
    metadata = data.get("metadata")
    version = str(metadata.get("lock-version", "0")) if isinstance(metadata, dict) else "0"
    major = as_number(version.partition(".")[0])
    if major is None or major > int(NEWEST.partition(".")[0]):
        raise too_new(name, "poetry.lock", version, NEWEST)
    return version


def _locked(entry: _Entry, metadata: _Metadata, optional: frozenset[str]) -> PackageEntry:
    groups = entry.groups or ((entry.category,) if entry.category else ())
    source, commit = _source(entry.source) if entry.source else ("", "")
    return PackageEntry(
        manager="pip",
        name=normal(entry.name),
        version=entry.version,
        build=commit,
        source=source,
        files=_files(entry, metadata),
        requires=tuple(sorted(_needs(entry.dependencies, optional))),
        groups=(*groups, "optional") if entry.optional else groups,
    )


def _source(source: _Source) -> tuple[str, str]:
    """Where a package comes from, and the commit for git."""
    return address(source.url), (
        source.resolved_reference or source.reference
    ) if source.type == "git" else ""


def _files(entry: _Entry, metadata: _Metadata) -> tuple[PackageFile, ...]:
    if entry.files:
        return tuple(PackageFile(each.file, (each.hash,)) for each in entry.files)
    if found := metadata.files.get(entry.name):
        mine = [
            each for each in found if entry.version == project(each.file)[1]
        ]  # a name may have two versions
        return tuple(PackageFile(each.file, (each.hash,)) for each in mine or found)
    return tuple(
        PackageFile("", (f"sha256:{each}",)) for each in metadata.hashes.get(entry.name, ())
    )


def _optional_needs(entries: tuple[_Entry, ...]) -> frozenset[str]:
    """Names that only extras need: which extras are on is not told, but something must have provided these."""
    there = {normal(entry.name) for entry in entries}
    firm = {
        normal(needed)
        for entry in entries
        for needed, spec in entry.dependencies.items()
        if not _is_extra(spec)
    }
    return frozenset(there - firm)


def _needs(dependencies: dict[str, Any], optional: frozenset[str]) -> set[str]:
    names = ((normal(needed), spec) for needed, spec in dependencies.items())
    return {needed for needed, spec in names if not _is_extra(spec) or needed in optional}


def _is_extra(spec: object) -> bool:
    """Whether a dependency is only that of an extra."""
    if isinstance(spec, list):
        return all(_is_extra(each) for each in spec)
    return isinstance(spec, dict) and spec.get("optional") is True
