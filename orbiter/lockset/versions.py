"""Semantic versions of releases, and their order."""

import re

from resolvers.errors import ExpectedError

SEMVER = re.compile(r"(?P<core>\d+\.\d+\.\d+)(-(?P<pre>[0-9A-Za-z.-]+))?")


def precedence(release: str) -> tuple[object, ...]:
    """Orders releases as https://semver.org (item 11) does. Raises ExpectedError for what is none."""
    match = SEMVER.fullmatch(release)
    if not match:
        raise ExpectedError(f"'{release}' is no release", "name a semantic version, like 0.1.0")
    numbers = tuple(int(part) for part in match.group("core").split("."))
    parts = match.group("pre").split(".") if match.group("pre") else []
    return (
        *numbers,
        not parts,
        [(not part.isdigit(), int(part) if part.isdigit() else 0, part) for part in parts],
    )
