"""A diff for programs: JSON of format 1, described by a JSON Schema. Keys and their order stay; new ones may come."""

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from orbiter.diff.types import (
    KINDS,
    Change,
    Diff,
    Fact,
    Kind,
    Occurrence,
    Side,
    Step,
    Suggestion,
    Variant,
)
from orbiter.report import phrases

FORMAT: Literal[1] = 1
Number = Annotated[int, Meta(ge=0)]


class Licences(msgspec.Struct, frozen=True, kw_only=True):
    """The licence before and after."""

    old: str
    new: str


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """One form of a package; an empty source is where its manager looks by itself."""

    version: str
    build: str
    source: str


class At(msgspec.Struct, frozen=True, kw_only=True):
    """One place of a change, and what exactly went and came there; "" for what a format does not know."""

    environment: str
    platform: str
    old: tuple[Form, ...]
    new: tuple[Form, ...]


class OneChange(msgspec.Struct, frozen=True, kw_only=True):
    """One package that changed in the same way at all places of ``where``."""

    manager: str
    name: str
    kind: Kind
    old: Annotated[
        tuple[str, ...],
        Meta(description="versions that went; those of both sides for rebuilt and moved"),
    ]
    new: Annotated[
        tuple[str, ...],
        Meta(description="versions that came; those of both sides for rebuilt and moved"),
    ]
    stays: Annotated[tuple[str, ...], Meta(description="versions that both sides have beside them")]
    where: tuple[At, ...]
    everywhere: Annotated[bool, Meta(description="where names every place that has the package")]
    step: Annotated[
        Step,
        Meta(description="how far the version went; build where it stayed, empty for no meaning"),
    ]
    direct: Annotated[bool, Meta(description="a person asked for this package")]
    why: Annotated[
        tuple[str, ...],
        Meta(description="names from a direct requirement to the package, both included"),
    ]
    altered: Annotated[bool, Meta(description=phrases.ALTERED)]
    grown: Annotated[
        int | None, Meta(description="bytes more to download at one place; null for not known")
    ]
    licences: Annotated[
        Licences | None, Meta(description="null where they are the same or not known")
    ]


class Count(msgspec.Struct, frozen=True, kw_only=True):
    """How many names of packages are of each kind at one place; together each name there exactly once."""

    environment: str
    platform: str
    added: Number
    removed: Number
    upgraded: Number
    downgraded: Number
    changed: Number
    rebuilt: Number
    moved: Number
    kept: Number


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """How many packages are of each kind; one that differs between places may be of several. ``kept`` are the same
    everywhere; ``altered`` are also counted in their kind; ``left_out`` are changes that were not asked for."""

    added: Number
    removed: Number
    upgraded: Number
    downgraded: Number
    changed: Number
    rebuilt: Number
    moved: Number
    altered: Number
    kept: Number
    left_out: Number


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What changed between two locks. Altered changes come first, then direct ones, then by kind, manager and name."""

    format: Literal[1]
    old: Side
    new: Side
    summary: Summary
    suggestion: Suggestion
    changes: tuple[OneChange, ...]
    facts: tuple[Fact, ...]
    counts: tuple[Count, ...]
    notes: tuple[str, ...]


def render(diff: Diff) -> str:
    """The JSON text, indented, with a line end behind it."""
    report = Report(
        format=FORMAT,
        old=diff.old,
        new=diff.new,
        summary=_summary(diff),
        suggestion=diff.suggestion,
        changes=tuple(map(_change, diff.changes)),
        facts=diff.facts,
        counts=tuple(
            Count(environment=place.environment, platform=place.platform, **_full(numbers))
            for place, numbers in sorted(diff.counts.items())
        ),
        notes=diff.notes,
    )
    return _text(report) + "\n"


def _text(report: Report) -> str:
    try:
        return msgspec.json.format(msgspec.json.encode(report)).decode()
    except (
        UnicodeEncodeError
    ):  # half a character, which a lock in JSON may hold, can only be told as an escape
        return json.dumps(msgspec.to_builtins(report), indent=2)


def schema() -> dict[str, Any]:
    """The JSON Schema of what render gives."""
    schema, components = msgspec.json.schema_components([Report], ref_template="#/$defs/{name}")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "orbiter diff-locks --format json",
        **schema[0],
        "$defs": components,
    }


def _summary(diff: Diff) -> Summary:
    numbers = _full({**phrases.tally(diff), "kept": diff.kept})
    return Summary(altered=len(phrases.altered(diff)), left_out=diff.left_out, **numbers)


def _full(numbers: Mapping[str, int]) -> dict[str, int]:
    return {kind: numbers.get(kind, 0) for kind in (*KINDS, "kept")}


def _change(change: Change) -> OneChange:
    return OneChange(
        manager=change.manager,
        name=change.name,
        kind=change.kind,
        old=change.old,
        new=change.new,
        stays=change.stays,
        where=tuple(map(_at, change.where)),
        everywhere=change.everywhere,
        step=change.step,
        direct=change.direct,
        why=change.why,
        altered=change.altered,
        grown=change.grown,
        licences=Licences(old=change.licences[0], new=change.licences[1])
        if change.licences
        else None,
    )


def _at(where: Occurrence) -> At:
    place = where.place
    old, new = (tuple(map(_form, side)) for side in (where.old, where.new))
    return At(environment=place.environment, platform=place.platform, old=old, new=new)


def _form(variant: Variant) -> Form:
    return Form(version=variant.version, build=variant.build, source=variant.source)
