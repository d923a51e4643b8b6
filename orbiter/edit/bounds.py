"""The versions that are written for a package that was named without one. Pure.

They are what the ecosystems' own programs write: ``uv add`` a lower bound, ``pixi add`` the
versions that are compatible by semantic versioning, and ``npm install`` a caret. Requirements of
apk and apt get none, because mirrors delete old versions; the lock has them.
"""

import re

from orbiter.config import npm_syntax

NAMES = {
    "apk": re.compile(r"(?:[a-z0-9.]+:)?[\w+.-]+(?:@[a-z0-9-]+)?"),
    "apt": re.compile(r"[a-z0-9+.-]+"),
    "conda": re.compile(r"(?:[\w./-]+::)?[\w.-]+"),
    "npm": re.compile(npm_syntax.NAME),
    "pip": re.compile(r"[\w.-]+ *(?:\[[\w ,.-]*\])?"),
}
"""Requirements without a version, by manager."""
NUMBERS = re.compile(r"\d+(?:\.\d+)*")
LOCAL_PART = re.compile(r"\+.*")


def is_plain(manager: str, requirement: str) -> bool:
    """Return whether a requirement only names a package."""
    return NAMES[manager].fullmatch(requirement) is not None


def is_bare(manager: str, requirement: str) -> bool:
    """Return whether a requirement is a name alone, also without extras, a channel or a tag."""
    return is_plain(manager, requirement) and not re.search(r"\[|::|.@", requirement)


def with_bound(manager: str, requirement: str, version: str) -> str:
    """Return a requirement that only names a package, with bounds around its locked version."""
    if manager == "npm":
        return f"{requirement}@^{version}"
    if manager == "pip":
        return f"{requirement}>={LOCAL_PART.sub('', version)}"
    if manager == "conda":
        return f"{requirement}>={version}{_compatible_end(version)}"
    return requirement


def _compatible_end(version: str) -> str:
    """Return the upper bound of the compatible versions: the next major, or minor below 1.0."""
    if not NUMBERS.fullmatch(version):
        return ""
    major, _, rest = version.partition(".")
    if int(major) or not rest:
        return f",<{int(major) + 1}"
    minor = rest.partition(".")[0]
    return f",<0.{int(minor) + 1}"
