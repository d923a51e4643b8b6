"""The explanations of conda's solvers: their messages without logs, and a hint about them. Pure."""

import json
import re
from collections.abc import Collection
from textwrap import dedent
from typing import Any

EXPLAINED = re.compile(r"Could not solve for environment specs\n((?:[ \t]+\S.*(?:\n|$))+)")
"""micromamba's explanation on standard error: indented lines below a line of its log."""
REPORTED = re.compile(r"^ *STDOUT:\n", re.MULTILINE)
"""conda-lock prints the solver's standard output below this line."""
LOG = re.compile(
    r"^\s*(\[?(TRACE|DEBUG|INFO|WARNING|ERROR|CRITICAL)\b|(trace|debug|info|warning|critical)\s+\w"
    r"|Command: \[|STDOUT:|STDERR:|Locking dependencies for)"
)
"""Lines of logs that are not part of an explanation."""
VIRTUAL_NAME = re.compile(r"(?<![\w.-])__([a-z][a-z0-9_]*)")
EXAMPLES = {"cuda": "12.4", "glibc": "2.28", "linux": "5.10"}
"""Versions to suggest for virtual packages."""
HINT = "relax or remove one of these requirements, or add a channel"


def solver_messages(output: str) -> list[str]:
    """Return the solver's explanation from the output of conda-lock, which is mostly logs."""
    if explained := list(EXPLAINED.finditer(output)):
        return _lines(dedent(explained[-1][1]))
    for problems in _reported_problems(output):
        return _lines(problems)
    return [line for line in _lines(output) if not LOG.match(line)]


def unsolvable_hint(explanation: str, virtual_packages: Collection[str]) -> str:
    """Return the hint for an explanation, given the names of the platform's virtual packages."""
    named = {f"__{name}" for name in VIRTUAL_NAME.findall(explanation)}
    missing = sorted(named - set(virtual_packages))
    if not missing:
        return HINT
    names = [name.removeprefix("__") for name in missing]
    values = ", ".join(f'{name} = "{EXAMPLES.get(name, "1")}"' for name in names)
    return (
        f"state what the machines have that run the images: virtual = {{ {values} }} in "
        f"[builder.micromamba]; or {HINT}"
    )


def _reported_problems(output: str) -> list[str]:
    """Return the explanations in the JSON that a solver printed."""
    found = []
    decoder = json.JSONDecoder()
    for heading in REPORTED.finditer(output):
        try:
            report: Any = decoder.raw_decode(output, heading.end())[0]
        except ValueError:
            continue
        if isinstance(report, dict):
            found.append(_problem(report))
    return [problem for problem in found if problem.strip()]


def _problem(report: dict[str, Any]) -> str:
    """Return the explanation of micromamba (``solver_problems``) or conda (``message``)."""
    problems = report.get("solver_problems")
    if isinstance(problems, list):
        return "\n".join(map(str, problems))
    return str(report.get("message", ""))


def _lines(text: str) -> list[str]:
    lines = (line.rstrip() for line in text.splitlines())
    return list(dict.fromkeys(line for line in lines if line))
