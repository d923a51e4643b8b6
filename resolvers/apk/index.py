"""Packages of apk's signed index, with the files that solve.sh fetched for them."""

import base64
import binascii
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec

from resolvers.apk.base import parse_repositories
from resolvers.apk.requirement import bare_name
from resolvers.errors import ExpectedError
from resolvers.types.options import SystemRepository

Key = tuple[str, str]
"""The name and the version of a package."""


class ApkRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A package of the signed index.

    ``file`` is the path below the address of a mirror, or of the ``repository`` of images.toml. A
    package from an address, the ``url``, has a name only. ``sha256`` and ``size`` are of the file.
    ``depends`` and ``provides`` are names without versions, such as ``so:libz.so.1``.
    """

    name: str
    version: str
    architecture: str
    file: str
    size: int
    checksum: str
    sha256: str
    origin: str = ""
    license: str = ""
    depends: tuple[str, ...] = ()
    provides: tuple[str, ...] = ()
    repository: str = ""
    url: str = ""


class Place(NamedTuple):
    """The place of a package: a repository of images.toml ("" for a mirror), and the path there."""

    repository: str
    path: str


class CachedFile(NamedTuple):
    """The hash and the size of a package file in the cache."""

    sha256: str
    size: int


def parse_records(
    sections: Mapping[str, str], repositories: tuple[SystemRepository, ...] = ()
) -> dict[Key, ApkRecord]:
    """Return the packages of the sections ``packages``, ``policy`` and ``sums``.

    A package is left out if no repository or no fetched file of the same size is known for it.
    Raises ExpectedError if two repositories have different files of a package.
    """
    cached = _cached_files(sections["sums"].splitlines())
    places = places_of(sections["policy"].splitlines(), repositories)
    records: dict[Key, ApkRecord] = {}
    checksums: dict[Key, str] = {}
    for stanza in sections["packages"].split("\n\n"):
        fields = _fields(stanza)
        if not fields:
            continue
        key = fields["P"], fields["V"]
        if checksums.setdefault(key, fields["C"]) != fields["C"] and repositories:
            raise _ambiguous(key)
        file = cached.get(_cached_name(fields))
        if file and key in places and file.size == int(fields["S"]):
            records[key] = _record(fields, places[key], file)
    return records


def _ambiguous(key: Key) -> ExpectedError:
    return ExpectedError(
        f"apk: two repositories have different files of {' '.join(key)}",
        "remove one of the repositories, or require a version that only one of them has",
    )


def _fields(stanza: str) -> dict[str, str]:
    """Return the fields of a record, whose names are single letters."""
    fields = {}
    for line in stanza.splitlines():
        name, _, value = line.partition(":")
        if name:
            fields[name] = value
    return fields


def _cached_files(lines: Iterable[str]) -> dict[str, CachedFile]:
    files = {}
    for line in lines:
        sha256, size, name = line.split()
        files[name] = CachedFile(sha256, int(size))
    return files


def _cached_name(fields: Mapping[str, str]) -> str:
    """Return the file name in apk's cache, which holds the start of the checksum of the index."""
    checksum = fields["C"].removeprefix("Q1")  # the mark of a SHA-1
    try:
        digest = base64.b64decode(checksum, validate=True).hex()
    except binascii.Error:
        return ""
    return f"{fields['P']}-{fields['V']}.{digest[:8]}.apk"


def places_of(
    policy: Iterable[str], repositories: tuple[SystemRepository, ...]
) -> dict[Key, Place]:
    """Return the first place that has a package, from ``apk policy``.

    The output has one line per name, indented lines for its versions, and lines that are indented
    further for their repositories.
    """
    own = {repository.url: repository.name for repository in repositories}
    places: dict[Key, Place] = {}
    name = version = ""
    for line in policy:
        if not line.startswith(" "):  # "bash policy:"
            name = line.removesuffix(" policy:")
        elif not line.startswith("    "):  # "  5.2.15-r0:"
            version = line.strip().removesuffix(":")
        else:
            address = line.split()[-1].rstrip("/")
            if address in own:
                places.setdefault((name, version), Place(own[address], ""))
                continue
            for repository in parse_repositories(line):
                places.setdefault((name, version), Place("", repository.path))
    return places


def _record(fields: Mapping[str, str], place: Place, file: CachedFile) -> ApkRecord:
    path = f"{fields['A']}/{fields['P']}-{fields['V']}.apk"
    depends = fields.get("D", "").split()
    return ApkRecord(
        name=fields["P"],
        version=fields["V"],
        architecture=fields["A"],
        file=f"{place.path}/{path}" if place.path else path,
        repository=place.repository,
        size=file.size,
        checksum=fields["C"],
        sha256=file.sha256,
        origin=fields.get("o", ""),
        license=fields.get("L", ""),
        # "!" marks a conflict.
        depends=tuple(bare_name(name) for name in depends if not name.startswith("!")),
        provides=tuple(bare_name(name) for name in fields.get("p", "").split()),
    )
