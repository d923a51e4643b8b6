"""The base image as facts.sh reports it: versions, Python and mirrors."""

from pathlib import Path

import msgspec

from resolvers.apt.requirement import upstream_version
from resolvers.distro import reach
from resolvers.distro.reach import Source
from resolvers.distro.scripts import PYTHON, facts, sections, with_variables
from resolvers.types.options import Shell

SCRIPTS = (Path(__file__).with_name("facts.sh"), PYTHON)


class DebianBase(msgspec.Struct, frozen=True, kw_only=True):
    """A Debian base image, or a base built from packages.

    ``apt``, ``glibc`` (``2.41``) and ``python`` (``3.13.5``) are versions, empty if it has none.
    ``interpreter`` is the path of the first ``python3`` on PATH. ``mirrors`` are the addresses of
    its package repositories, in the order of its sources. For a base built from packages,
    ``signers`` are the fingerprints of the keys that signed the indexes.
    """

    apt: str
    glibc: str = ""
    python: str = ""
    interpreter: str = ""
    signers: tuple[str, ...] = ()
    mirrors: tuple[str, ...] = ()


def inspect_base(shell: Shell, platform: str) -> DebianBase:
    """Return what a base image contains; start one container that resolves nothing."""
    output = shell(with_variables(SCRIPTS), platform=platform)
    return parse_base(sections(output)["facts"])


def ask_sources(shell: Shell, platform: str) -> tuple[Source, ...]:
    """Let apt ask the sources of the base image for their indexes."""
    return reach.ask_sources(Path(__file__).parent, shell, platform)


def parse_base(section: str) -> DebianBase:
    """Return the base image that the section ``facts`` describes."""
    lines = facts(section)
    values = dict(lines)
    return DebianBase(
        apt=values["apt"],
        glibc=upstream_version(values.get("glibc", "")),
        python=values.get("python", ""),
        interpreter=values.get("interpreter", ""),
        mirrors=tuple(dict.fromkeys(value for key, value in lines if key == "mirror")),
    )
