"""The package.json that npm locks: the requirements of all groups as one project. Pure."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from resolvers.errors import ExpectedError
from resolvers.npm.lock_file import JsonObject, required_name
from resolvers.types import Group

REQUIREMENT = re.compile(
    r"""
    (@[a-z0-9~_-][a-z0-9._~-]*/)?       # scope
    [A-Za-z0-9~_-][A-Za-z0-9._~-]*      # name
    (@(npm:[^:\s]+ | [^:/]+))?          # alias, or a range or tag
    """,
    re.VERBOSE,
)
"""A package of a registry (``npm help package-spec``); URLs and paths do not match."""


class _Requirement(NamedTuple):
    """A range of a package; empty means any version."""

    name: str
    range: str
    group: str


def manifest(groups: tuple[Group, ...]) -> JsonObject:
    """Return package.json; its key ``orbiter`` records the requirements by group.

    Raises ExpectedError for an invalid requirement, or if groups require different ranges.
    """
    by_name: dict[str, _Requirement] = {}
    for requirement in _requirements(groups):
        earlier = by_name.get(requirement.name)
        if earlier is None or not earlier.range:
            by_name[requirement.name] = requirement
        elif requirement.range not in {"", earlier.range}:
            raise _different_ranges(earlier, requirement)
    sorted_groups = sorted(groups, key=lambda group: group.name)
    return {
        "name": "orbiter",
        "version": "0.0.0",
        "private": True,
        "dependencies": {name: by_name[name].range or "*" for name in sorted(by_name)},
        "orbiter": {
            "groups": {group.name: sorted(set(group.requirements)) for group in sorted_groups}
        },
    }


def _requirements(groups: tuple[Group, ...]) -> Iterator[_Requirement]:
    for group in groups:
        for text in group.requirements:
            if not REQUIREMENT.fullmatch(text):
                raise ExpectedError(
                    f"stage '{group.name}': '{text}' is not a valid npm requirement",
                    "write the name of a package, or name@range; packages must come from a "
                    "registry",
                )
            name = required_name(text)
            yield _Requirement(name, text[len(name) + 1 :], group.name)


def _different_ranges(first: _Requirement, second: _Requirement) -> ExpectedError:
    return ExpectedError(
        f"npm: stage '{first.group}' requires {first.name}@{first.range}, "
        f"but stage '{second.group}' requires {second.name}@{second.range}",
        "all stages of a builder share one tree of packages: use the same range",
    )
