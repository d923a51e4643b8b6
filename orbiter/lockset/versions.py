"""Semantic versions of releases, and their order."""

import re

from resolvers.errors import ExpectedError

SEMVER = re.compile(r"(?P<core>\d+\.\d+\.\d+)(-(?P<pre>[0-9A-Za-z.-]+))?")


def precedence(release: str) -> tuple[object, ...]:
    """Return the sort key of a release, as defined by https://semver.org (item 11).

    Raises ExpectedError if the release is not a semantic version.
    """
    match = SEMVER.fullmatch(release)
    if not match:
        problem = f"'{release}' is not a release"
        raise ExpectedError(problem, "use a semantic version, such as 0.1.0")
    numbers = tuple(int(number) for number in match["core"].split("."))
    is_final = match["pre"] is None  # a release comes after its pre-releases
    identifiers = (match["pre"] or "").split(".")
    return (*numbers, is_final, [_identifier_key(identifier) for identifier in identifiers])


def release_name(text: str) -> str:
    """Return the release that a text names: ``v0.1.0``, a usual git tag, is release ``0.1.0``."""
    without_prefix = text.removeprefix("v")
    return without_prefix if SEMVER.fullmatch(without_prefix) else text


def _identifier_key(identifier: str) -> tuple[bool, int, str]:
    """Return the sort key of a pre-release identifier: numbers first, by value."""
    is_number = identifier.isdigit()
    return not is_number, int(identifier) if is_number else 0, identifier
