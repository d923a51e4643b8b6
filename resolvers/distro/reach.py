"""The sources of a base image that answer its package manager, as reach.sh reports them."""

from pathlib import Path
from typing import NamedTuple

from resolvers.distro.scripts import sections, with_variables
from resolvers.types.options import Shell

SCRIPT = "reach.sh"


class Source(NamedTuple):
    """A source as the image has it, and the output of the manager that could not read it, or ""."""

    name: str
    problem: str = ""


def ask_sources(folder: Path, shell: Shell, platform: str) -> tuple[Source, ...]:
    """Let the manager with this folder ask all sources of an image; starts one container."""
    return parse_sources(shell(with_variables((folder / SCRIPT,)), platform=platform))


def parse_sources(output: str) -> tuple[Source, ...]:
    """Read the output of the script."""
    found = []
    for title, text in sections(output).items():
        state, _, name = title.partition(" ")
        found.append(Source(name, text if state == "failed" else ""))
    return tuple(found)
