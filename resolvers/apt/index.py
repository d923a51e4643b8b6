"""Packages of apt's signed index."""

from collections.abc import Mapping

import msgspec

from resolvers.errors import ExpectedError


class DebRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A package of the signed index.

    ``file`` is the path below the address of a mirror. ``depends`` has a tuple of alternatives for
    each dependency. It and ``provides`` hold names without versions.
    """

    name: str
    version: str
    architecture: str
    file: str
    size: int
    sha256: str
    depends: tuple[tuple[str, ...], ...] = ()
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
    stanzas = (_fields(stanza) for stanza in section.split("\n\n"))
    records = (_record(fields) for fields in stanzas if fields)
    return {record.key: record for record in records}


def _fields(stanza: str) -> dict[str, str]:
    return dict(line.partition(": ")[::2] for line in stanza.strip().splitlines())


def _record(fields: Mapping[str, str]) -> DebRecord:
    if not all(fields.get(field) for field in ("Filename", "Size", "SHA256")):
        raise ExpectedError(
            f"apt: the index does not have the file name, size and SHA256 of {fields['Package']}"
            f" {fields['Version']}",
            "use a package repository whose index has SHA256 hashes",
        )
    dependencies = ", ".join(fields[key] for key in ("Pre-Depends", "Depends") if key in fields)
    alternatives = (text for text in dependencies.split(",") if text.strip())
    return DebRecord(
        name=fields["Package"],
        version=fields["Version"],
        architecture=fields["Architecture"],
        file=fields["Filename"].removeprefix("./"),
        size=int(fields["Size"]),
        sha256=fields["SHA256"],
        depends=tuple(_names(text, "|") for text in alternatives),
        provides=_names(fields.get("Provides", ""), ","),
    )


def _names(text: str, separator: str) -> tuple[str, ...]:
    """Return the names in a dependency field, without versions and architecture qualifiers."""
    members = (member for member in text.split(separator) if member.strip())
    return tuple(member.split()[0].partition(":")[0] for member in members)
