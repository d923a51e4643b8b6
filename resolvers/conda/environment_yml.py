"""The files that conda-lock reads: environment.yml and virtual-packages.yml.

Formats: https://conda.github.io/conda-lock/src_environment_yml/ and
https://conda.github.io/conda-lock/flags/.
"""

import re
from collections.abc import Iterable, Mapping

from resolvers.conda.channels import NO_DEFAULTS, Channel
from resolvers.conda.requirements import CondaRequirement

ENVIRONMENT = "environment.yml"
VIRTUAL = "virtual-packages.yml"
# These heads are part of every lock set. A lock is up to date only if its files equal those that
# Orbiter writes today, so another wording would make all existing locks stale.
HEAD = "# Written by Orbiter: what conda is asked for. To change it, edit images.toml and lock.\n"
VIRTUAL_HEAD = "# Written by Orbiter: what conda may take for granted where the images run.\n"
PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_./+-]*")
"""Scalars that need no quotes, unless they are one of YAML's keywords."""
KEYWORDS = frozenset(["y", "n", "yes", "no", "true", "false", "on", "off", "null", "nan", "inf"])


def scalar(text: str) -> str:
    """Return a text as YAML, quoted unless every reader takes it for text without quotes."""
    if PLAIN.fullmatch(text) and text.lower() not in KEYWORDS:
        return text
    return "'" + text.replace("'", "''") + "'"


def format_environment(
    channels: Iterable[Channel],
    subdirs: Iterable[str],
    requirements: Iterable[CondaRequirement],
    remarks: Iterable[str] = (),
) -> str:
    """Return environment.yml, which conda and micromamba can read as well.

    A comment names the group of the requirements that follow it. ``remarks`` are settings that
    influence the solution and that the format cannot express otherwise.
    """
    lines = [HEAD, *(f"# {remark}" for remark in remarks), "channels:"]
    lines += [f"  - {scalar(channel.url)}" for channel in channels]
    lines += [f"  - {NO_DEFAULTS}", "platforms:"]
    lines += [f"  - {subdir}" for subdir in sorted(subdirs)]
    lines.append("dependencies:")
    group = ""
    for requirement in requirements:
        if requirement.group != group:
            group = requirement.group
            lines.append(f"  # {group}")
        lines.append(f"  - {scalar(requirement.spec)}")
    return "\n".join(lines) + "\n"


def format_virtual_packages(packages: Mapping[str, Mapping[str, str]]) -> str:
    """Return virtual-packages.yml for the virtual packages of each subdir."""
    lines = [f"{VIRTUAL_HEAD}\nsubdirs:"]
    for subdir, versions in sorted(packages.items()):
        lines += [f"  {subdir}:", "    packages:"]
        lines += [f"      {name}: {scalar(version)}" for name, version in sorted(versions.items())]
    return "\n".join(lines) + "\n"
