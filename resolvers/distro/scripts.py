"""Shell scripts that run in a base image: their parameters, and the sections of their output."""

import re
import shlex
from pathlib import Path

from resolvers.types.request import Group

PYTHON = Path(__file__).with_name("python.sh")
"""Prints the Python of the base image, as part of the section ``facts``."""

NETWORK = Path(__file__).with_name("network.sh")
"""Lets apt and apk use the network of this machine. Runs before all other scripts."""


def with_variables(scripts: tuple[Path, ...], **variables: str) -> str:
    """Return the text of scripts that run one after the other, with shell variables set before."""
    # Values never become part of the code, so a requirement cannot run a command.
    lines = []
    for name, value in variables.items():
        lines.append(f"{name}={shlex.quote(value)}\n")
    for script in scripts:
        lines.append(script.read_text(encoding="utf-8"))
    return "".join(lines)


def stage_lines(groups: tuple[Group, ...]) -> str:
    """Return the groups as solve.sh reads them, parents first.

    A line is ``<number>:<numbers of the parents>:<requirements>``. Parents without requirements
    are left out.
    """
    # Numbers, because they become file names in the script and titles of its sections.
    numbers: dict[str, str] = {}
    lines = []
    for number, group in enumerate(groups):
        numbers[group.name] = str(number)
        parents = [numbers[parent] for parent in group.parents if parent in numbers]
        requirements = " ".join(group.requirements)
        # A colon in a requirement is harmless: the last field takes the rest of the line.
        lines.append(f"{number}:{' '.join(parents)}:{requirements}")
    return "\n".join(lines)


def sections(output: str) -> dict[str, str]:
    """Return the sections of a script's output by title; each begins with a line ``@@ <title>``."""
    texts = re.split(r"^@@ ", output, flags=re.MULTILINE)
    result = {}
    for text in texts[1:]:  # the first one is before the first title
        title, _, content = text.partition("\n")
        result[title] = content.strip("\n")
    return result


def facts(section: str) -> list[tuple[str, str]]:
    """Return the lines ``<key> <value>`` of the section ``facts``; keys may repeat."""
    pairs = []
    for line in section.splitlines():
        key, _, value = line.partition(" ")
        pairs.append((key, value))
    return pairs
