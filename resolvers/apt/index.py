"""Packages of apt's signed index."""

from collections.abc import Mapping

import msgspec

from resolvers.apt.source_field import SourcePackage, parse_source
from resolvers.distro.repositories import FILE_PATH
from resolvers.errors import ExpectedError


class DebRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A package of the signed index.

    ``file`` is the path below the address of a mirror. ``depends`` has a tuple of alternatives for
    each dependency; ``recommends`` is like it. Both and ``provides`` hold names without versions.
    ``built_from`` is the source package.
    """

    name: str
    version: str
    architecture: str
    file: str
    size: int
    sha256: str
    built_from: SourcePackage
    depends: tuple[tuple[str, ...], ...] = ()
    recommends: tuple[tuple[str, ...], ...] = ()
    provides: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """The package as apt's command line names it."""
        architecture = "" if self.architecture == "all" else f":{self.architecture}"
        return f"{self.name}{architecture}={self.version}"


def parse_records(section: str) -> dict[str, DebRecord]:
    """Return the packages of the section ``packages`` by key.

    Raises ExpectedError if a package has no file name, size or SHA256.
    """
    records = {}
    for stanza in section.split("\n\n"):
        fields = _fields(stanza)
        if fields:
            record = _record(fields)
            records[record.key] = record
    return records


def _fields(stanza: str) -> dict[str, str]:
    # The script removes fields that span several lines, such as the description.
    fields = {}
    for line in stanza.strip().splitlines():
        name, _, value = line.partition(": ")
        fields[name] = value
    return fields


def _record(fields: Mapping[str, str]) -> DebRecord:
    _check_fields(fields)
    dependencies = ", ".join(fields[key] for key in ("Pre-Depends", "Depends") if key in fields)
    return DebRecord(
        name=fields["Package"],
        version=fields["Version"],
        architecture=fields["Architecture"],
        file=fields["Filename"].removeprefix("./"),  # in indexes that dpkg-scanpackages wrote
        size=int(fields["Size"]),
        sha256=fields["SHA256"],
        built_from=_source(fields),
        depends=_alternatives(dependencies),
        recommends=_alternatives(fields.get("Recommends", "")),
        provides=_names(fields.get("Provides", ""), ","),
    )


def _source(fields: Mapping[str, str]) -> SourcePackage:
    name, version = fields["Package"], fields["Version"]
    try:
        return parse_source(fields.get("Source", ""), name, version)
    except ValueError as error:
        raise ExpectedError(
            f"apt: the index has an invalid source of {name} {version}: {error}",
            "use a package repository whose index is valid",
        ) from None


def _check_fields(fields: Mapping[str, str]) -> None:
    if not all(fields.get(field) for field in ("Filename", "Size", "SHA256")):
        raise ExpectedError(
            f"apt: the index lacks the file name, size or SHA256 of {fields['Package']}"
            f" {fields['Version']}",
            "use a package repository whose index has SHA256 hashes",
        )
    if not FILE_PATH.fullmatch(fields["Filename"]):
        raise ExpectedError(
            f"apt: the file of {fields['Package']} {fields['Version']} has an unusual name:"
            f" {fields['Filename']!r}",
            "use a package repository with plain file names",
        )


def _alternatives(dependencies: str) -> tuple[tuple[str, ...], ...]:
    """Return the alternatives of each dependency: ``a (>= 1) | b, c`` has two dependencies."""
    return tuple(_names(text, "|") for text in dependencies.split(",") if text.strip())


def _names(text: str, separator: str) -> tuple[str, ...]:
    """Return the names in a dependency field, without versions and architecture qualifiers."""
    names = []
    for member in text.split(separator):
        if member.strip():
            name = member.split()[0]
            names.append(name.partition(":")[0])
    return tuple(names)
