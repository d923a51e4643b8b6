"""The syntax of apt's requirements, and of Debian versions."""

import re

from resolvers.distro.requirements import Requirement

REQUIREMENT = re.compile(
    r"(?P<name>[a-z0-9][a-z0-9+.-]*[a-z0-9+.](:[a-z0-9-]+)?)"
    r"(=(?P<version>[A-Za-z0-9.+~:-]+\*?)|/[a-z][a-z0-9.-]*)?"
)
"""A name, alone or with a version, the beginning of one and ``*``, or a suite."""
PATTERN = re.compile(r"\?[a-z-]+(\([a-z]+\))?")
"""A pattern such as ``?essential``, which only the stage of a base uses; see apt-patterns(7)."""
PACKAGE_NAME = re.compile(r"[a-z0-9][a-z0-9+.-]*[a-z0-9+]")


def parse_requirement(text: str) -> Requirement | None:
    """Return the name and the version of a requirement, or None if the text is not one.

    The version is exact, or the beginning of one with ``*`` at its end.
    """
    if PATTERN.fullmatch(text):
        return Requirement(text)
    match = REQUIREMENT.fullmatch(text)
    if match is None:
        return None
    return Requirement(match["name"], match["version"] or "")


def package_of(requirement: str) -> str:
    """Return the name in a requirement, without its version or suite."""
    return re.split("[=/]", requirement, maxsplit=1)[0]


def has_suite(requirement: str) -> bool:
    """Return whether a requirement names a suite."""
    return "/" in requirement


def is_prefix(version: str) -> bool:
    """Return whether a version of a requirement stands for all that begin like it."""
    return version.endswith("*")


def is_allowed(version: str, wanted: str) -> bool:
    """Return whether a version is the one of a requirement, or begins like it."""
    if is_prefix(wanted):
        return version.startswith(wanted.removesuffix("*"))
    return version == wanted


def package_names(text: str) -> frozenset[str]:
    """Return all words of a text that could be names of packages."""
    return frozenset(PACKAGE_NAME.findall(text))


def upstream_version(version: str) -> str:
    """Return the upstream part of a Debian version: ``3.13.5`` for ``3.13.5-2+deb13u5``."""
    # "[epoch:]upstream[-revision]"; the upstream version itself may contain hyphens.
    without_epoch_and_revision = re.sub(r"^\d+:|-[^-]*$", "", version)
    return without_epoch_and_revision.replace("~", "")
