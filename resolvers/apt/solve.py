"""Run apt inside the pinned base image or Debian's own image, and read its answer."""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from resolvers.apt import base
from resolvers.apt.architectures import architecture_of
from resolvers.apt.base import DebianBase, parse_base
from resolvers.apt.deb_file import DebFile, addresses_of, index_of
from resolvers.apt.failures import failure
from resolvers.apt.index import DebRecord, parse_records
from resolvers.apt.repositories import (
    check_addresses,
    repositories_of,
    repository_lines,
    write_certificates,
)
from resolvers.apt.requirement import has_suite, is_allowed, is_prefix, package_of, upstream_version
from resolvers.cache import folder
from resolvers.distro.package_files import with_files
from resolvers.distro.scripts import sections, stage_lines, with_variables
from resolvers.types.options import SystemOptions
from resolvers.types.request import Group

INSTALLED = "release a=now"
"""The pin of a package that stays as in the base image."""
VERSION = "version "
"""The beginning of all other pins, before a version or the beginning of one and ``*``."""
SCRIPTS = (*base.SCRIPTS, Path(__file__).with_name("solve.sh"))
NO_OPTIONS = SystemOptions()
PRIORITY = 999
"""Wins over all other versions. From 1000 on, apt would also downgrade installed packages."""


class AptSolution(msgspec.Struct, frozen=True, kw_only=True):
    """apt's solution for one platform.

    ``groups`` maps a group to the keys of all packages that are installed after it, except those of
    the base image. ``records`` has all of these packages. ``repositories`` maps the keys of those
    that come from repositories of images.toml to their names, and ``addresses`` the keys of those
    that come from an address to it.
    """

    base: DebianBase
    groups: Mapping[str, frozenset[str]]
    records: Mapping[str, DebRecord]
    repositories: Mapping[str, str] = {}
    addresses: Mapping[str, str] = {}


def solve(
    options: SystemOptions,
    platform: str,
    groups: tuple[Group, ...],
    pins: Mapping[str, str],
    debs: tuple[DebFile, ...] = (),
) -> AptSolution:
    """Resolve all groups in one container, parents first.

    ``pins`` maps a name to its pin; see INSTALLED. With a suite, apt starts without any installed
    package, Debian must have signed the index of its mirrors, and the container may be one of any
    platform. ``debs`` are required too.

    Raises NoSolutionError if a group has no solution, and ExpectedError if the package lists are
    not available or not verified.
    """
    text = script(
        with_files(groups, debs),
        pins,
        options,
        index=index_of(debs),
        architecture=architecture_of(platform) if options.suite else "",
    )
    answer = _run(options, platform, text)
    solver_base = parse_base(answer["facts"])
    check_addresses(options.repositories, solver_base.mirrors, options.suite)
    for title in answer:
        if title.startswith("failed "):  # the script exits with 0, so that its output arrives
            raise failure(title, answer, groups=groups, platform=platform, options=options)
    records = parse_records(answer["packages"])
    if options.suite:
        solver_base = _base_from_packages(solver_base, records, answer["signers"])
    return AptSolution(
        base=solver_base,
        groups={
            group.name: frozenset(answer[f"group {number}"].split())
            for number, group in enumerate(groups)
        },
        records=records,
        addresses=addresses_of(records, debs),
        repositories=repositories_of(records, answer["addresses"], options.repositories),
    )


def _run(options: SystemOptions, platform: str, text: str) -> dict[str, str]:
    """Run a script in a container, and return the sections of its output."""
    assert options.shell
    cache = folder("apt", platform.replace("/", "-"))
    write_certificates(cache, options.repositories)
    return sections(options.shell(text, platform=platform, cache=str(cache)))


def script(
    groups: tuple[Group, ...],
    pins: Mapping[str, str],
    options: SystemOptions = NO_OPTIONS,
    *,
    index: str = "",
    architecture: str = "",
) -> str:
    """Return the script that resolves the groups; ``pins`` are as in ``solve``.

    ``index`` has the records of packages that no source has. Without an ``architecture``, apt
    resolves for the one of the image that the script runs in.
    """
    preferences = "".join(
        f"Package: {name}\nPin: {pin}\nPin-Priority: {PRIORITY}\n\n"
        for name, pin in sorted(pins.items())
    )
    recommending = (str(number) for number, group in enumerate(groups) if group.recommends)
    return with_variables(
        SCRIPTS,
        preferences=preferences,
        suite=options.suite,
        architecture=architecture,
        repositories=repository_lines(options.repositories),
        stages=stage_lines(tuple(_with_pins(group, pins) for group in groups)),
        recommending=" ".join(recommending),
        own_index=index,
    )


def _with_pins(group: Group, pins: Mapping[str, str]) -> Group:
    """Return the group with the pinned version in each requirement for several versions or a suite.

    On its command line, apt would take the newest of them, whatever the pins.
    """
    requirements = tuple(_with_pin(text, pins) for text in group.requirements)
    return msgspec.structs.replace(group, requirements=requirements)


def _with_pin(requirement: str, pins: Mapping[str, str]) -> str:
    name, wanted = package_of(requirement), requirement.partition("=")[2]
    pin = pins.get(name, "")
    version = pin.removeprefix(VERSION)
    if version == pin or is_prefix(version):  # it names no version
        return requirement
    is_pinned = has_suite(requirement) or (is_prefix(wanted) and is_allowed(version, wanted))
    return f"{name}={version}" if is_pinned else requirement


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
