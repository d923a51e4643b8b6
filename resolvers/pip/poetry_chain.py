"""The part of Poetry's explanation that matters: which packages require which. Pure.

Poetry explains a conflict version by version, in up to hundreds of lines.
"""

from collections.abc import Iterable

import msgspec
from packaging.version import InvalidVersion, Version

LONGEST = 8
"""Maximum number of lines in a chain, and of lines that Poetry's own text may have."""
LONGEST_LINE = 400


class Fact(msgspec.Struct, frozen=True, array_like=True):
    """A version of a package requires another package."""

    package: str
    version: str
    dependency: str
    constraint: str


def is_long(explanation: str) -> bool:
    """Return whether nobody would read an explanation."""
    lines = explanation.splitlines()
    return len(lines) > LONGEST or any(len(line) > LONGEST_LINE for line in lines)


def chain(facts: Iterable[Fact], project: str) -> str:
    """Return a line for each package that requires another one in a certain version.

    The packages nearest to the project come first. ``project`` has no line of its own: its
    requirements are listed elsewhere.
    """
    by_requirement: dict[tuple[str, str, str], list[str]] = {}
    for fact in facts:
        key = (fact.package, fact.dependency, fact.constraint)
        by_requirement.setdefault(key, []).append(fact.version)
    distances = _distances(by_requirement, project)
    lines = [
        (distances.get(package, len(distances)), -len(versions), _line(key, versions))
        for key, versions in by_requirement.items()
        if (package := key[0]) != project
    ]
    texts = [text for *_, text in sorted(lines)]
    unlisted = len(texts) - LONGEST
    if unlisted > 0:
        texts = [*texts[:LONGEST], f"and {unlisted} more requirements of other versions"]
    return "\n".join(texts)


def _distances(requirements: Iterable[tuple[str, str, str]], project: str) -> dict[str, int]:
    """Return the number of steps from the project to each package."""
    dependencies: dict[str, list[str]] = {}
    for package, dependency, _ in requirements:
        dependencies.setdefault(package, []).append(dependency)
    distances = {project: 0}
    queue = [project]
    for package in queue:
        for dependency in dependencies.get(package, ()):
            if dependency not in distances:
                distances[dependency] = distances[package] + 1
                queue.append(dependency)
    return distances


def _line(requirement: tuple[str, str, str], versions: list[str]) -> str:
    package, dependency, constraint = requirement
    ordered = sorted(set(versions), key=_order)
    if len(ordered) == 1:
        return f"{package} {ordered[0]} requires {dependency} {constraint}"
    span = f"{ordered[0]} to {ordered[-1]} ({len(ordered)} versions)"
    return f"{package} {span} requires {dependency} {constraint}"


def _order(version: str) -> tuple[Version, str]:
    try:
        return Version(version), version
    except InvalidVersion:
        return Version("0"), version
