"""The syntax of npm's requirements: names, ranges and aliases (``npm help package-spec``)."""

import re

from resolvers.npm.address import HOSTS

NAME = r"(?:@[a-z0-9~][a-z0-9._~-]*/)?[A-Za-z0-9~][A-Za-z0-9._~-]*"
_NUMBER = r"(?:\d+|[xX*])"
_VERSION = rf"v?{_NUMBER}(?:\.{_NUMBER}){{0,2}}(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?"
_COMPARATOR = rf"(?:(?:~>?|\^|[<>]=?|=) *)?{_VERSION}"
_COMPARATORS = rf"{_COMPARATOR}(?: - {_VERSION}| +{_COMPARATOR})*"
_RANGE = rf"(?:{_COMPARATORS}(?: *\|\| *{_COMPARATORS})*|[A-Za-z][0-9A-Za-z._-]*)"
"""A node-semver range or a tag such as ``latest``."""
_ALIASED = rf"npm:(?P<package>{NAME})(?:@{_RANGE})?"
_ADDRESS = rf"(?:https?|git\+[a-z]*|{'|'.join(HOSTS)}):\S*"
"""Any address; ``orbiter.config.npm_registries`` checks it without repeating a password."""
_REQUIREMENT = re.compile(rf"(?P<name>{NAME})(?:@(?:{_RANGE}|{_ALIASED}|(?P<address>{_ADDRESS})))?")
_REPLACED = re.compile(rf"(?P<name>{NAME})(?:@{_RANGE})?")
_REPLACEMENT = re.compile(rf"{_RANGE}|{_ALIASED}|\$(?P<required>{NAME})")

EXPECTED = "an npm package: name, name@range, alias@npm:name@range or name@ADDRESS"
HINTS = {
    r"[:]|/.*/|^[./]|^[^@/]+/": "write a name, or a name and the address of a tarball: "
    "name@https://host/name-1.0.0.tgz, or name@git+https://host/repository.git#tag",
    r"^[^@]+[<>=~^]": "write an @ between name and range: name@^1.2",
    r"^@?[^@\s]+\s+[^@\s]+$": "write one package per entry",
    "": "for example canvas, canvas@^3.1 or @types/node",
}
"""Remedies for invalid requirements by a pattern in them; the first match counts."""


def installed_name(requirement: str) -> str | None:
    """Return the name under which npm installs a requirement; None for an invalid one.

    The name of an alias is the alias.
    """
    match = _REQUIREMENT.fullmatch(requirement)
    return match["name"] if match else None


def locked_name(requirement: str) -> str | None:
    """Return the name of the package that locks have for a requirement; None for an invalid one."""
    match = _REQUIREMENT.fullmatch(requirement)
    return match["package"] or match["name"] if match else None


def has_address(requirement: str) -> bool:
    """Return whether a requirement names the address of a package instead of a range."""
    match = _REQUIREMENT.fullmatch(requirement)
    return bool(match and match["address"])


def package(text: str) -> str | None:
    """Return a package name without a range; None for any other text."""
    return text if re.fullmatch(NAME, text) else None


def is_replaced(text: str) -> bool:
    """Return whether a text names packages that an override replaces: a name, or name@range."""
    return _REPLACED.fullmatch(text) is not None


def is_replacement(text: str) -> bool:
    """Return whether a text is what an override may require instead.

    That is a range, a tag, another package (``npm:name@range``), or the requirement of a stage
    (``$name``).
    """
    return _REPLACEMENT.fullmatch(text) is not None
