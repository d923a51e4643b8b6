"""The part of the OSV schema (https://ossf.github.io/osv-schema/) that Orbiter uses. Pure.

``null`` is accepted in place of a list, because some exports contain it.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from orbiter.advisories.ecosystems import ORDERS, base_of, canonical_version, normalise_name
from resolvers.errors import ExpectedError

SCHEMA = "1"
"""The major version of the schema that this module reads."""
UPDATE = "download the export of this ecosystem again, as osv.dev publishes it"
EVENTS = ("introduced", "fixed", "last_affected", "limit")


class Event(msgspec.Struct, frozen=True, gc=False):
    """A version at which a package becomes vulnerable or stops to be."""

    introduced: str | None = None
    fixed: str | None = None
    last_affected: str | None = None
    limit: str | None = None


class Range(msgspec.Struct, frozen=True):
    """A series of events; of commits if the type is GIT, otherwise of versions."""

    type: str = ""
    events: tuple[Event, ...] | None = ()


class PackageName(msgspec.Struct, frozen=True, gc=False):
    """A package and its ecosystem, such as ``Debian:13``."""

    ecosystem: str
    name: str


class SeverityVector(msgspec.Struct, frozen=True, gc=False):
    """A CVSS vector."""

    score: str = ""


class AffectedEntry(msgspec.Struct, frozen=True):
    """The versions of a package that a record is about."""

    package: PackageName | None = None
    ranges: tuple[Range, ...] | None = ()
    versions: tuple[str, ...] | None = ()
    severity: tuple[SeverityVector, ...] | None = ()
    ecosystem_specific: Any = None


class Record(msgspec.Struct, frozen=True):
    """An advisory of one database. ``modified`` and ``withdrawn`` are times (RFC 3339, UTC)."""

    id: str
    modified: str
    schema_version: str = "1.0.0"
    withdrawn: str | None = None
    aliases: tuple[str, ...] | None = ()
    summary: str | None = ""
    severity: tuple[SeverityVector, ...] | None = ()
    affected: tuple[AffectedEntry, ...] | None = ()
    database_specific: Any = None


class AdvisedPackage(msgspec.Struct, frozen=True, array_like=True):
    """The statement of one record about one package; a row of the index.

    ``ranges`` holds ranges of versions, each as pairs of event and version. ``versions`` are in
    their canonical form. ``vectors`` are CVSS vectors. ``rating`` is the severity in the
    words of the database, such as ``moderate``.
    """

    id: str
    ecosystem: str
    name: str
    summary: str
    vectors: tuple[str, ...]
    rating: str
    versions: tuple[str, ...]
    ranges: tuple[tuple[tuple[str, str], ...], ...]


_DECODER = msgspec.json.Decoder(Record)


def parse_record(content: bytes, place: str) -> Record:
    """Read a record.

    Raises ExpectedError that names ``place`` if the text is incomplete or has another schema.
    """
    try:
        record = _DECODER.decode(content)
    except msgspec.ValidationError as error:
        raise ExpectedError(
            f"{place} is not a record of the OSV schema: {error}", UPDATE
        ) from error
    except (ValueError, RecursionError) as error:
        raise ExpectedError(f"{place} is damaged: {error}", UPDATE) from error
    if record.schema_version.partition(".")[0] != SCHEMA:
        raise ExpectedError(
            f"{place} has version {record.schema_version} of the OSV schema; "
            f"this Orbiter reads {SCHEMA}.x",
            "use a newer version of Orbiter",
        )
    return record


def advised_packages(record: Record) -> Iterator[AdvisedPackage]:
    """Yield the statements of a record about packages whose versions Orbiter can compare."""
    for entry in record.affected or ():
        if entry.package and base_of(entry.package.ecosystem) in ORDERS:
            ecosystem = entry.package.ecosystem
            vectors = entry.severity or record.severity or ()
            yield AdvisedPackage(
                id=record.id,
                ecosystem=ecosystem,
                name=normalise_name(ecosystem, entry.package.name),
                summary=record.summary or "",
                vectors=tuple(vector.score for vector in vectors if vector.score),
                rating=_text(record.database_specific, "severity")
                or _text(entry.ecosystem_specific, "urgency"),
                versions=tuple(canonical_version(ecosystem, each) for each in entry.versions or ()),
                ranges=tuple(_events(each) for each in entry.ranges or () if each.type != "GIT"),
            )


def _events(events: Range) -> tuple[tuple[str, str], ...]:
    return tuple(
        (kind, version)
        for event in events.events or ()
        for kind in EVENTS
        if (version := getattr(event, kind)) is not None
    )


def _text(values: Any, key: str) -> str:
    """Return a text among the values that the schema leaves to each database, "" for none."""
    text = values.get(key) if isinstance(values, dict) else None
    return text.lower() if isinstance(text, str) else ""
