"""Shell scripts that run in a base image: their parameters, and the sections of their output."""

import re
import shlex
from pathlib import Path

from resolvers.types import Group

PYTHON = Path(__file__).with_name("python.sh")
"""Prints the Python of the base image, as part of the section ``facts``."""


def with_variables(scripts: tuple[Path, ...], **variables: str) -> str:
    """Return the text of scripts that run one after the other, with shell variables set before."""
    assignments = [f"{name}={shlex.quote(value)}\n" for name, value in variables.items()]
    return "".join([*assignments, *(script.read_text(encoding="utf-8") for script in scripts)])


def stage_lines(groups: tuple[Group, ...]) -> str:
    """Return the groups as solve.sh reads them, parents first.

    A line is ``<number>:<numbers of the parents>:<requirements>``. Parents without requirements
    are left out.
    """
    numbers = {group.name: str(number) for number, group in enumerate(groups)}
    lines = []
    for group in groups:
        parents = " ".join(numbers[parent] for parent in group.parents if parent in numbers)
        lines.append(f"{numbers[group.name]}:{parents}:{' '.join(group.requirements)}")
    return "\n".join(lines)


def sections(output: str) -> dict[str, str]:
    """Return the sections of a script's output by title; each begins with a line ``@@ <title>``."""
    texts = re.split(r"^@@ ", output, flags=re.MULTILINE)[1:]
    pairs = (text.partition("\n") for text in texts)
    return {title: content.strip("\n") for title, _, content in pairs}


def facts(section: str) -> list[tuple[str, str]]:
    """Return the lines ``<key> <value>`` of the section ``facts``; keys may repeat."""
    lines = (line.partition(" ") for line in section.splitlines())
    return [(key, value) for key, _, value in lines]
