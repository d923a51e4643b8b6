"""Findings as SARIF 2.1.0, which code hosts show beside the lines of a file.

Format: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from orbiter import __version__
from orbiter.lint.rules import RULES, Rule
from orbiter.lint.types import Finding, LintResult, not_checked_lines

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
NUMBERS = {rule: number for number, rule in enumerate(RULES)}


def render(result: LintResult) -> str:
    """Return the report as one run of SARIF."""
    notifications = [
        {"level": "error", "message": {"text": error.message}} for error in result.errors
    ]
    notifications += [
        {"level": "note", "message": {"text": line}} for line in not_checked_lines(result)
    ]
    run = {
        "tool": {
            "driver": {
                "name": "orbiter lint",
                "version": __version__,
                "rules": list(map(_rule, RULES.values())),
            }
        },
        "invocations": [
            {
                "executionSuccessful": not result.errors,
                "toolExecutionNotifications": notifications,
            }
        ],
        "artifacts": [{"location": {"uri": _uri(file.path)}} for file in result.files],
        "results": [
            _result(file.path, finding) for file in result.files for finding in file.findings
        ],
        "columnKind": "unicodeCodePoints",
    }
    document = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _rule(rule: Rule) -> Mapping[str, Any]:
    return {
        "id": rule.id,
        "shortDescription": {"text": rule.summary},
        "defaultConfiguration": {"level": rule.severity},
    }


def _result(path: str, finding: Finding) -> Mapping[str, Any]:
    location: dict[str, Any] = {"artifactLocation": {"uri": _uri(path)}}
    if finding.line:
        location["region"] = {"startLine": finding.line}
    return {
        "ruleId": finding.rule,
        "ruleIndex": NUMBERS[finding.rule],
        "level": finding.severity,
        "message": {"text": f"{RULES[finding.rule].summary}: {finding.message}"},
        "locations": [{"physicalLocation": location}],
    }


def _uri(path: str) -> str:
    """Return a relative reference for a path; the colon of a first component is encoded."""
    file = Path(path)
    return quote(file.as_posix()) if not file.is_absolute() else file.as_uri()
