"""JSON report, format 1, and its JSON Schema.

Programs read this format: keys and their order stay, and new keys may be added. The class names
and the texts in DESCRIPTIONS are published in the schema.
"""

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from orbiter.diff.types import (
    KINDS,
    Change,
    Diff,
    Fact,
    FileChange,
    Kind,
    Occurrence,
    Side,
    Step,
    Suggestion,
    Variant,
)
from orbiter.licences.model import LicenceChanges
from orbiter.lint.compare import LintChanges
from orbiter.report import phrases
from orbiter.report.vulnerabilities.json import VulnerabilityChanges

FORMAT: Literal[1] = 1

DESCRIPTIONS = {
    "Report": "The changes between two locks. Altered changes come first, then those from another "
    "source, requested packages, language runtimes, and packages that most others require.",
    "Side": 'One side: its name, its format, and the release of a lock set or "". The download of '
    "a lock set is in bytes; unsized files, whose size is unknown, are not included.",
    "Summary": "How many packages are of each kind; one that differs between places may be of "
    "several. ``kept`` are the same\n    everywhere; ``altered`` are also counted in their kind; "
    "``left_out`` are changes that --direct or --kind hides.",
    "Suggestion": 'The suggestion of semantic versioning: the step ("" if nothing changed), the '
    "release if the old one is known,\n    and the change that decides it.",
    "OneChange": "One package that changed in the same way at all places of ``where``.",
    "At": "One place of a change, with the variants that were removed and added there; "
    '"" for a value that the format does not have.',
    "Form": "One form of a package; an empty source is the default of its manager.",
    "Sources": "The source before and after.",
    "Licences": "The licence before and after.",
    "Fact": "Something else that changed: a base image's digest, a tool's version; "
    '"" if one side does not have it.',
    "FileChange": "A changed file of the build folder: its path, the lines of a unified diff, "
    "whether it is a list that follows from the lock files, and why it does not follow from them.",
    "Count": "How many names of packages are of each kind at one place; "
    "together each name there exactly once.",
}
"""Published descriptions of the types, which must not change with a docstring."""

Number = Annotated[int, Meta(ge=0)]


class Sources(msgspec.Struct, frozen=True, kw_only=True):
    """The old and the new sources."""

    old: str
    new: str


class Licences(msgspec.Struct, frozen=True, kw_only=True):
    """The old and the new licence."""

    old: str
    new: str


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """A variant of a package; the source is "" for the manager's default."""

    version: str
    build: str
    source: str


class At(msgspec.Struct, frozen=True, kw_only=True):
    """A scope of a change, and the variants that only one side has there."""

    environment: str
    platform: str
    old: tuple[Form, ...]
    new: tuple[Form, ...]


class OneChange(msgspec.Struct, frozen=True, kw_only=True):
    """A package that changed in the same way in all scopes of ``where``."""

    manager: str
    name: str
    kind: Kind
    old: Annotated[
        tuple[str, ...],
        Meta(
            description="versions on the old side only; for rebuilt and moved, those of both sides"
        ),
    ]
    new: Annotated[
        tuple[str, ...],
        Meta(
            description="versions on the new side only; for rebuilt and moved, those of both sides"
        ),
    ]
    stays: Annotated[tuple[str, ...], Meta(description="versions that both sides have beside them")]
    where: tuple[At, ...]
    everywhere: Annotated[
        bool, Meta(description="whether where names every place that has the package")
    ]
    step: Annotated[
        Step,
        Meta(
            description="the distance of the versions; build if equal, empty if they have no order"
        ),
    ]
    direct: Annotated[bool, Meta(description="whether a person requested this package")]
    guessed: Annotated[
        bool,
        Meta(description="the lock has no requests: direct is a guess, true if none requires it"),
    ]
    dependents: Annotated[
        Number, Meta(description="packages that require a guessed one, also indirectly")
    ]
    why: Annotated[
        tuple[str, ...],
        Meta(description="names from a direct requirement to the package, both included"),
    ]
    altered: Annotated[bool, Meta(description=phrases.ALTERED)]
    elsewhere: Annotated[
        bool, Meta(description="a file with another hash comes from another place as well")
    ]
    sources: Annotated[
        Sources | None,
        Meta(description="where another version comes from; null if it is the same place"),
    ]
    grown: Annotated[
        int | None, Meta(description="additional bytes to download at one place; null if unknown")
    ]
    licences: Annotated[Licences | None, Meta(description="null if they are equal or unknown")]


class Count(msgspec.Struct, frozen=True, kw_only=True):
    """The number of package names of each kind in one scope; each name counts once."""

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
    """The number of packages of each kind.

    A package that changed differently in several scopes may count in several kinds. ``altered``
    ones also count in their kind. ``kept`` ones changed nowhere. ``left_out`` is the number of
    changes that a filter removed.
    """

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
    """The whole report; the order of the changes is that of the diff."""

    format: Literal[1]
    old: Side
    new: Side
    summary: Summary
    suggestion: Suggestion
    changes: tuple[OneChange, ...]
    facts: tuple[Fact, ...]
    files: tuple[FileChange, ...]
    faults: Annotated[
        tuple[str, ...],
        Meta(description="entries whose name or version contradicts their file"),
    ]
    counts: tuple[Count, ...]
    notes: tuple[str, ...]
    vulnerabilities: Annotated[
        VulnerabilityChanges | UnsetType, Meta(description="with --vulnerabilities only")
    ] = UNSET
    licences: Annotated[LicenceChanges | UnsetType, Meta(description="with --licences only")] = (
        UNSET
    )
    lint: Annotated[LintChanges | UnsetType, Meta(description="with --lint only")] = UNSET


def render(
    diff: Diff,
    vulnerabilities: VulnerabilityChanges | UnsetType = UNSET,
    licences: LicenceChanges | UnsetType = UNSET,
    lint: LintChanges | UnsetType = UNSET,
) -> str:
    """Return the indented JSON text, with a newline at its end."""
    report = Report(
        format=FORMAT,
        old=diff.old,
        new=diff.new,
        summary=_summary(diff),
        suggestion=diff.suggestion,
        changes=tuple(map(_one_change, diff.changes)),
        facts=diff.facts,
        files=diff.files,
        faults=diff.faults,
        counts=tuple(
            Count(environment=scope.environment, platform=scope.platform, **_all_kinds(numbers))
            for scope, numbers in sorted(diff.counts.items())
        ),
        notes=diff.notes,
        vulnerabilities=vulnerabilities,
        licences=licences,
        lint=lint,
    )
    return _encode(report) + "\n"


def _encode(report: Report) -> str:
    try:
        return msgspec.json.format(msgspec.json.encode(report)).decode()
    except UnicodeEncodeError:
        # A lock in JSON may contain a lone surrogate, which only an escape can represent.
        return json.dumps(msgspec.to_builtins(report), indent=2)


def schema() -> dict[str, Any]:
    """Return the JSON Schema of the report."""
    (reference,), types = msgspec.json.schema_components([Report], ref_template="#/$defs/{name}")
    for name, description in DESCRIPTIONS.items():
        types[name]["description"] = description
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "orbiter diff-locks --format json",
        **reference,
        "$defs": types,
    }


def _summary(diff: Diff) -> Summary:
    numbers = _all_kinds({**phrases.tally(diff), "kept": diff.kept})
    return Summary(altered=len(phrases.altered(diff)), left_out=diff.left_out, **numbers)


def _all_kinds(numbers: Mapping[str, int]) -> dict[str, int]:
    return {kind: numbers.get(kind, 0) for kind in (*KINDS, "kept")}


def _one_change(change: Change) -> OneChange:
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
        guessed=change.guessed,
        dependents=change.dependents,
        why=change.why,
        altered=change.altered,
        elsewhere=change.elsewhere,
        sources=_sources(change),
        grown=change.grown,
        licences=_licences(change),
    )


def _sources(change: Change) -> Sources | None:
    if change.sources is None:
        return None
    old, new = change.sources
    return Sources(old=old, new=new)


def _licences(change: Change) -> Licences | None:
    if change.licences is None:
        return None
    old, new = change.licences
    return Licences(old=old, new=new)


def _at(occurrence: Occurrence) -> At:
    return At(
        environment=occurrence.scope.environment,
        platform=occurrence.scope.platform,
        old=tuple(map(_form, occurrence.old)),
        new=tuple(map(_form, occurrence.new)),
    )


def _form(variant: Variant) -> Form:
    return Form(version=variant.version, build=variant.build, source=variant.source)
