"""Findings as JSON, format 1, and its JSON Schema.

Programs read this format: keys and their order stay, and new keys may be added.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from orbiter.lint.rules import RULES, Severity
from orbiter.lint.types import LintResult

Number = Annotated[int, Meta(ge=0)]


class OneFinding(msgspec.Struct, frozen=True, kw_only=True):
    """A finding; ``line`` is 0 if it is unknown, and ``package`` is "" for other faults."""

    rule: str
    severity: Severity
    file: str
    line: Number
    package: str
    version: str
    message: str


class OneFile(msgspec.Struct, frozen=True, kw_only=True):
    """A checked file; ``notes`` list checks that were not possible."""

    path: str
    format: str
    packages: Number
    notes: tuple[str, ...]


class Error(msgspec.Struct, frozen=True, kw_only=True):
    """A file that could not be checked."""

    path: str
    message: str


class NotChecked(msgspec.Struct, frozen=True, kw_only=True):
    """A rule that no file was checked with."""

    rule: str
    reason: str


class LintReport(msgspec.Struct, frozen=True, kw_only=True):
    """The result of ``orbiter lint``."""

    format: Literal[1] = 1
    files: tuple[OneFile, ...]
    findings: tuple[OneFinding, ...]
    errors: tuple[Error, ...]
    not_checked: tuple[NotChecked, ...]
    database: str


def render(result: LintResult) -> str:
    """Return the report as indented JSON."""
    report = LintReport(
        files=tuple(
            OneFile(path=file.path, format=file.format, packages=file.packages, notes=file.notes)
            for file in result.files
        ),
        findings=tuple(
            OneFinding(
                rule=each.rule,
                severity=RULES[each.rule].severity,
                file=file.path,
                line=each.line,
                package=each.package,
                version=each.version,
                message=str(each.message),
            )
            for file in result.files
            for each in file.findings
        ),
        errors=tuple(Error(path=each.path, message=each.message) for each in result.errors),
        not_checked=tuple(
            NotChecked(rule=each.rule, reason=each.reason) for each in result.not_checked
        ),
        database=result.database,
    )
    return msgspec.json.format(msgspec.json.encode(report), indent=2).decode() + "\n"


def schema() -> dict[str, Any]:
    """Return the JSON Schema of the report."""
    found = msgspec.json.schema(LintReport)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **found}
