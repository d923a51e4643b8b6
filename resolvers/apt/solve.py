"""Run apt inside the pinned base image, and read its answer."""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from resolvers.apt import base
from resolvers.apt.base import DebianBase, parse_base
from resolvers.apt.failures import failure
from resolvers.apt.index import DebRecord, parse_records
from resolvers.apt.requirement import upstream_version
from resolvers.cache import folder
from resolvers.distro.scripts import sections, stage_lines, with_variables
from resolvers.types import Group, Shell

INSTALLED = "release a=now"
"""The pin of a package that stays as in the base image; other pins are ``version <version>``."""
SCRIPTS = (*base.SCRIPTS, Path(__file__).with_name("solve.sh"))
PRIORITY = 999
"""Wins over all other versions. From 1000 on, apt would also downgrade installed packages."""


class AptSolution(msgspec.Struct, frozen=True, kw_only=True):
    """apt's solution for one platform.

    ``groups`` maps a group to the keys of all packages that are installed after it, except those of
    the base image. ``records`` has all of these packages.
    """

    base: DebianBase
    groups: Mapping[str, frozenset[str]]
    records: Mapping[str, DebRecord]


def solve(
    shell: Shell, platform: str, groups: tuple[Group, ...], pins: Mapping[str, str], suite: str = ""
) -> AptSolution:
    """Resolve all groups in one container, parents first.

    ``pins`` maps a name to its pin; see INSTALLED. With a ``suite``, apt starts without any
    installed package, and Debian must have signed the index.

    Raises NoSolutionError if a group has no solution, and ExpectedError if the package lists are
    not available or not verified.
    """
    cache = folder("apt", platform.replace("/", "-"))
    answer = sections(shell(script(groups, pins, suite), platform=platform, cache=str(cache)))
    for title in answer:
        if title.startswith("failed "):  # the script exits with 0, so that its output arrives
            raise failure(title, answer, groups=groups, platform=platform, suite=suite)
    records = parse_records(answer["packages"])
    solver_base = parse_base(answer["facts"])
    if suite:
        solver_base = _base_from_packages(solver_base, records, answer["signers"])
    return AptSolution(
        base=solver_base,
        groups={
            group.name: frozenset(answer[f"group {number}"].split())
            for number, group in enumerate(groups)
        },
        records=records,
    )


def script(groups: tuple[Group, ...], pins: Mapping[str, str], suite: str = "") -> str:
    """Return the script that resolves the groups."""
    preferences = "".join(
        f"Package: {name}\nPin: {pin}\nPin-Priority: {PRIORITY}\n\n"
        for name, pin in sorted(pins.items())
    )
    stages = stage_lines(groups)
    return with_variables(SCRIPTS, preferences=preferences, suite=suite, stages=stages)


def _base_from_packages(
    solver_base: DebianBase, records: Mapping[str, DebRecord], signers: str
) -> DebianBase:
    """Return the base that the packages form; only apt's version comes from the solver's image."""
    versions = {record.name: record.version for record in records.values()}
    return msgspec.structs.replace(
        solver_base,
        glibc=upstream_version(versions.get("libc6", "")),
        python="",
        interpreter="",
        signers=tuple(sorted(set(signers.split()))),
    )
