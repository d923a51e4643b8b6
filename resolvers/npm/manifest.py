"""The package.json that npm locks: the requirements of all groups as one project. Pure."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from resolvers.errors import ExpectedError
from resolvers.npm.address import git_address, is_address
from resolvers.npm.lock_file import JsonObject, required_name
from resolvers.types.request import Group

REQUIREMENT = re.compile(
    r"""
    (@[a-z0-9~_-][a-z0-9._~-]*/)?       # scope
    [A-Za-z0-9~_-][A-Za-z0-9._~-]*      # name
    (@(npm:[^:\s]+ | (?!npm:)[a-z+]+:\S+ | [^:/]+))?  # alias, address, or a range or tag
    """,
    re.VERBOSE,
)
"""A package of a registry or with an address (``npm help package-spec``); paths do not match."""


ALIAS = "npm:"
"""Prefix of the range of an alias: ``npm:NAME@RANGE``."""


class _Requirement(NamedTuple):
    """A range of a package; empty means any version."""

    name: str
    range: str
    group: str


def manifest(
    groups: tuple[Group, ...], overrides: Mapping[str, str | Mapping[str, str]] = {}
) -> JsonObject:
    """Return package.json; its key ``orbiter`` records the requirements by group.

    ``overrides`` are those of ``NpmOptions``. Raises ExpectedError for an invalid requirement, or
    if groups require different ranges.
    """
    by_name: dict[str, _Requirement] = {}
    for requirement in _requirements(groups):
        earlier = by_name.get(requirement.name)
        if earlier is None or not earlier.range:
            by_name[requirement.name] = requirement
        elif requirement.range not in {"", earlier.range}:
            raise _different_ranges(earlier, requirement)
    sorted_groups = sorted(groups, key=lambda group: group.name)
    package_json = {
        "name": "orbiter",
        "version": "0.0.0",
        "private": True,
        "dependencies": {name: by_name[name].range or "*" for name in sorted(by_name)},
    }
    if overrides:
        package_json["overrides"] = msgspec.to_builtins(overrides)
    grouped = {group.name: sorted(set(group.requirements)) for group in sorted_groups}
    return package_json | {"orbiter": {"groups": grouped}}


def _requirements(groups: tuple[Group, ...]) -> Iterator[_Requirement]:
    for group in groups:
        for text in group.requirements:
            if not _is_valid(text):
                raise ExpectedError(
                    f"stage '{group.name}': '{text}' is not a valid npm requirement",
                    "write the name of a package, or name@range; packages must come from a "
                    "registry",
                )
            name = required_name(text)
            yield _Requirement(name, _complete(text[len(name) + 1 :]), group.name)


def _is_valid(text: str) -> bool:
    match = REQUIREMENT.fullmatch(text)
    required = text[len(required_name(text)) + 1 :]
    is_other = ":" in required and not required.startswith(ALIAS)
    return match is not None and (is_address(required) or not is_other)


def _complete(text: str) -> str:
    """Return what is required of a package; a shorthand of a repository becomes its address."""
    address = git_address(text)
    return str(address) if address else text


def _different_ranges(first: _Requirement, second: _Requirement) -> ExpectedError:
    return ExpectedError(
        f"npm: stage '{first.group}' requires {first.name}@{first.range}, "
        f"but stage '{second.group}' requires {second.name}@{second.range}",
        "all stages of a builder share one tree of packages: use the same range",
    )


def with_exact(package_json: JsonObject, exact: Mapping[str, str]) -> JsonObject:
    """Return package.json with exact versions of some packages, required in addition."""
    dependencies = dict(package_json["dependencies"])
    overrides = dict(package_json.get("overrides", {}))
    for name, version in exact.items():
        aliases = [key for key, text in dependencies.items() if _is_alias_of(text, name)]
        dependencies |= dict.fromkeys(aliases, f"{ALIAS}{name}@{version}")
        # npm rejects a requirement that differs from the override for the same package.
        if isinstance(overrides.get(name), str):
            overrides[name] = version
        elif not aliases or name in dependencies:
            dependencies[name] = version
    package_json = package_json | {"dependencies": dependencies}
    return package_json | {"overrides": overrides} if overrides else package_json


def _is_alias_of(text: str, name: str) -> bool:
    return text == ALIAS + name or text.startswith(f"{ALIAS}{name}@")


def without_references(package_json: JsonObject) -> JsonObject:
    """Return package.json with the requirements that overrides such as ``$glob`` refer to.

    A package.json with fewer dependencies may lack the one that an override refers to.
    """
    overrides = package_json.get("overrides")
    if not overrides:
        return package_json
    return package_json | {"overrides": _resolved(overrides, package_json["dependencies"])}


def _resolved(overrides: Mapping[str, Any], dependencies: Mapping[str, str]) -> JsonObject:
    resolved: JsonObject = {}
    for name, override in overrides.items():
        if isinstance(override, dict):
            resolved[name] = _resolved(override, dependencies)
        elif override.startswith("$"):
            resolved[name] = dependencies.get(override[1:], override)
        else:
            resolved[name] = override
    return resolved


def changed_overrides(old: JsonObject, new: JsonObject) -> frozenset[str]:
    """Return the names of the packages whose overrides differ between two package.json."""
    before, after = (dict(_replacements(each.get("overrides", {}))) for each in (old, new))
    changed = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
    return frozenset(required_name(replaced) for _, replaced in changed)


def _replacements(
    overrides: Mapping[str, Any], requiring: str = ""
) -> Iterator[tuple[tuple[str, str], str]]:
    """Yield what replaces each package, by the package that requires it and its own name."""
    for name, override in overrides.items():
        if isinstance(override, dict):
            yield from _replacements(override, name)
        elif name == ".":
            yield ("", requiring), override
        else:
            yield (requiring, name), override
