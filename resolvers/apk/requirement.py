"""The syntax of apk's requirements, as in apk-world(5), and of Alpine versions."""

import re

from resolvers.distro.requirements import Requirement

_VERSION = r"\d+(\.\d+)*[a-z]?(_(alpha|beta|pre|rc|cvs|svn|git|hg|p)\d*)*(~[0-9a-f]+)?(-r\d+)?"
REQUIREMENT = re.compile(
    r"(?P<name>([a-z0-9.]+:)?[A-Za-z0-9_][A-Za-z0-9_+.-]*)"
    r"(@(?P<tag>[a-z0-9][a-z0-9-]*))?"
    rf"((?P<relation>=~?|~=?|[<>]=?)(?P<version>{_VERSION}))?"
)
"""A package name, which may begin with ``so:``, ``cmd:`` or ``pc:``, the tag of a repository, and a
version constraint."""


def parse_requirement(text: str) -> Requirement | None:
    """Return the name and the exact version of a requirement, or None if the text is not one."""
    match = REQUIREMENT.fullmatch(text)
    if match is None:
        return None
    exact = match["version"] if match["relation"] == "=" else ""
    return Requirement(match["name"], exact)


def tag_of(requirement: str) -> str:
    """Return the tag of the repository in a requirement, empty if it has none."""
    match = REQUIREMENT.fullmatch(requirement)
    return (match and match["tag"]) or ""


def without_tag(requirement: str) -> str:
    """Return a requirement without the tag of a repository: ``name=1`` for ``name@tag=1``."""
    return re.sub(r"@[a-z0-9-]+", "", requirement, count=1)


def bare_name(dependency: str) -> str:
    """Return the name in a requirement, a dependency or a line of world, without its constraint.

    For example ``so:libz.so.1`` for ``so:libz.so.1=1.3``.
    """
    return re.split(r"[<>=~@]", dependency, maxsplit=1)[0]


def upstream_version(version: str) -> str:
    """Return the upstream part of an Alpine version, as Python writes it.

    For example ``3.14.0rc1`` for ``3.14.0_rc1-r2``.
    """
    return re.sub(r"-r\d+$", "", version).replace("_", "")
