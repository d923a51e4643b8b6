"""Findings as text for a terminal, grouped by file and rule."""

from collections.abc import Callable, Iterator
from itertools import groupby
from textwrap import wrap

from orbiter.lint.rules import RULES, SEVERITIES
from orbiter.lint.types import CheckedFile, Finding, LintResult, not_checked_lines

ROWS = 8
"""Findings of a rule that are shown for a file; the others are counted."""
MIN_WIDTH = 40
INDENT = "    "

Style = Callable[[str, str], str]
"""Returns a text in the style of a severity, or unchanged without colour."""


def render(result: LintResult, *, width: int, style: Style, everything: bool = False) -> str:
    """Return lines of at most ``width`` columns; addresses and names are not broken."""
    width = max(width, MIN_WIDTH)
    blocks = [_block(file, width, style, everything) for file in result.files if _is_shown(file)]
    lines = [line for block in blocks for line in (*block, "")]
    last = [_summary(result), *not_checked_lines(result)]
    if result.database:
        last.append(f"database of known malicious versions: {result.database}")
    lines += [line for text in last for line in _wrapped(text, "", width)]
    return "\n".join(lines) + "\n"


def _is_shown(file: CheckedFile) -> bool:
    return bool(file.findings or file.notes)


def _block(file: CheckedFile, width: int, style: Style, everything: bool) -> Iterator[str]:
    yield printable(file.path)
    for rule_id, found in groupby(file.findings, key=lambda finding: finding.rule):
        rule, findings = RULES[rule_id], list(found)
        head = f"{rule.severity}: {rule.id}: {rule.summary}"
        first, *rest = _wrapped(head, "  ", width)
        yield first.replace(rule.severity, style(rule.severity, rule.severity), 1)
        yield from rest
        shown = findings if everything or len(findings) <= ROWS + 1 else findings[:ROWS]
        for finding in shown:
            yield from _wrapped(_line(finding), INDENT, width)
        if hidden := len(findings) - len(shown):
            yield f"{INDENT}… and {hidden:,} more (--all shows them)"
    for note in file.notes:
        yield from _wrapped(f"not a finding: {note}", "  ", width)


def _line(finding: Finding) -> str:
    where = f"line {finding.line}: " if finding.line else ""
    return f"{where}{finding.message}"


def _wrapped(text: str, indent: str, width: int) -> list[str]:
    return wrap(
        printable(text),
        width,
        initial_indent=indent,
        subsequent_indent=f"{indent}  ",
        break_on_hyphens=False,
    ) or [indent]


def printable(text: str) -> str:
    """Return a text without characters that a terminal acts on or hides."""
    return "".join(each if each.isprintable() else f"\\u{ord(each):04x}" for each in text)


def _summary(result: LintResult) -> str:
    counts = [_counted(result.count(each), each) for each in SEVERITIES if result.count(each)]
    packages = sum(file.packages for file in result.files)
    where = f"{_counted(len(result.files), 'file')} with {_counted(packages, 'package')}"
    return f"{', '.join(counts) or 'no findings'} in {where}"


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
