"""Findings as workflow commands of GitHub Actions, which it shows as annotations.

Format: https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands.
"""

from orbiter.lint.rules import RULES
from orbiter.lint.types import Finding, LintResult, not_checked_lines

COMMANDS = {"error": "error", "warning": "warning", "note": "notice"}


def render(result: LintResult) -> str:
    """Return a line for each finding, and for each file that could not be checked."""
    lines = [_line(file.path, each) for file in result.files for each in file.findings]
    lines += [
        f"::error file={_property(error.path)},title=orbiter lint::{_data(error.message)}"
        for error in result.errors
    ]
    lines += [f"::notice title=orbiter lint::{_data(each)}" for each in not_checked_lines(result)]
    return "".join(f"{line}\n" for line in lines)


def _line(path: str, finding: Finding) -> str:
    line = f",line={finding.line}" if finding.line else ""
    title = f",title=orbiter lint%3A {finding.rule}"
    message = f"{RULES[finding.rule].summary}: {finding.message}"
    command = COMMANDS[finding.severity]
    return f"::{command} file={_property(path)}{line}{title}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
