"""The pyproject.toml beside pip's lock file: what humans asked for, one dependency group a stage."""

import json
import tomllib
from collections.abc import Iterable, Mapping, Set
from functools import lru_cache
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from resolvers.errors import ExpectedError, UnsolvableError
from resolvers.pip import on_conda
from resolvers.types import Group, LockFiles, Request

FILE = "pyproject.toml"
PROJECT = "orbiter-image"
"""The name of the project that Poetry and uv believe to lock."""


def python(request: Request) -> str:
    """The exact Python of all targets. Raises ExpectedError where there is none, or more than one."""
    found = sorted({target.python for target in request.targets})
    if found in ([], [""]):
        raise ExpectedError(
            "pip requirements need a Python in the image", 'add "python3" to an apt list'
        )
    if len(found) > 1:
        raise ExpectedError(
            f"the platforms have different Pythons ({', '.join(found)}), and pip's lock is made for one",
            "use a base image that has the same Python on every platform",
        )
    return found[0]


def text(request: Request, requires_python: str, tool: str, shared: Set[str] = frozenset()) -> str:
    """The file's text; ``tool`` is what the engine wants to find below.

    ``shared`` names what conda brings for some and pip has to install for others, with all that it requires.
    """
    parts = [
        f'[project]\nname = "{PROJECT}"\nversion = "0"\nrequires-python = {quoted(requires_python)}\n',
        "[dependency-groups]\n"
        + "".join(f"{group.name} = {_array(group.requirements)}" for group in _asking(request)),
        tool,
    ]
    allowed = {canonicalize_name(name) for group in request.groups for name in group.sources}
    lists = [
        f"{key} = {_array(names)}"
        for key, names in (("sdist", allowed), ("shared", shared))
        if names
    ]
    if lists:
        parts.append("[tool.orbiter]\n" + "".join(lists))
    parts += [
        f"[tool.orbiter.conda.{quoted(group)}]\n{lines}"
        for group, lines in _provided_lines(request).items()
    ]
    return "\n".join(parts)


def _provided_lines(request: Request) -> dict[str, str]:
    """For each group the distributions that conda brings there; a table by platform where they are not the same."""
    found: dict[str, dict[str, dict[str, str]]] = {}
    for each in sorted(request.pip.provided):
        found.setdefault(each.group, {}).setdefault(each.name, {})[each.platform] = each.version
    platforms = {target.platform for target in request.targets}
    return {
        group: "".join(f"{name} = {_version(names[name], platforms)}\n" for name in sorted(names))
        for group, names in found.items()
    }


def _version(by_platform: Mapping[str, str], platforms: set[str]) -> str:
    if by_platform.keys() >= platforms and len(set(by_platform.values())) == 1:
        return quoted(next(iter(by_platform.values())))
    pairs = (f"{quoted(platform)} = {quoted(version)}" for platform, version in by_platform.items())
    return f"{{ {', '.join(pairs)} }}"


def _asking(request: Request) -> list[Group]:
    asking = (group for group in request.groups if group.requirements)
    return sorted(asking, key=lambda group: group.name)


def _array(values: Iterable[str]) -> str:
    lines = "".join(f"    {quoted(value)},\n" for value in sorted(set(values)))
    return f"[\n{lines}]\n"


def quoted(value: str) -> str:
    """The value as a string of TOML."""
    return json.dumps(value, ensure_ascii=False)


def check(groups: tuple[Group, ...]) -> None:
    """Refuse what no lock can hold: requirements that name an address, which is no index's."""
    for group in groups:
        for requirement in group.requirements:
            if Requirement(requirement).url:
                raise ExpectedError(
                    f"group '{group.name}': the pip requirement '{requirement}' names an address",
                    "put the wheel into a folder of find-links, and require it by name and version",
                )


def allowed_sdists(files: LockFiles) -> frozenset[str]:
    """The normalised names of packages that may be built from their sdist."""
    names = table(files, FILE).get("tool", {}).get("orbiter", {}).get("sdist", [])
    return frozenset(canonicalize_name(name) for name in names)


def provided(files: LockFiles, platform: str, groups: Iterable[str]) -> frozenset[str]:
    """The normalised names of distributions that conda brings in any of the groups on the platform."""
    wanted = {canonicalize_name(group) for group in groups}
    return frozenset(
        canonicalize_name(name)
        for group, names in _provided(files).items()
        if canonicalize_name(group) in wanted
        for name, version in names.items()
        if isinstance(version, str) or platform in version
    )


def provided_anywhere(files: LockFiles) -> frozenset[str]:
    """The normalised names of all distributions of the lock that conda brings somewhere."""
    return frozenset(
        canonicalize_name(name) for names in _provided(files).values() for name in names
    )


def _provided(files: LockFiles) -> Mapping[str, Mapping[str, Any]]:
    tables: Mapping[str, Mapping[str, Any]] = (
        table(files, FILE).get("tool", {}).get("orbiter", {}).get("conda", {})
    )
    return tables


def unsolvable(request: Request, explanation: str) -> UnsolvableError:
    """The error for an engine's explanation: with the requirements that it mentions, and whose they are."""
    text = explanation.replace(f"{PROJECT}:", "").replace(PROJECT, "the image")
    words = "".join(
        letter if letter.isalnum() or letter in "-_." else " " for letter in text
    ).split()
    names = {canonicalize_name(word.strip(".")) for word in words}
    asked = [
        f"  '{wish}' is asked for by '{group.name}'"
        for group in request.groups
        for wish in sorted(set(group.requirements))
        if canonicalize_name(Requirement(wish).name) in names
    ]
    upgrades = request.upgrade.packages.items()
    held = [
        f"  '{name}=={version}' is asked for as upgrade" for name, version in upgrades if version
    ]
    provided = on_conda.told(request, names)
    lines = ["the pip requirements cannot be met together:", text, *asked, *held, *provided]
    more = ", or ask conda for another version" if provided else ""
    return UnsolvableError("\n".join(lines), f"loosen or drop one of these requirements{more}")


def table(files: LockFiles, name: str) -> Mapping[str, Any]:
    """A lock file as a mapping. Raises ExpectedError when it is no TOML."""
    try:
        return _parsed(files[name])
    except tomllib.TOMLDecodeError as error:
        raise ExpectedError(f"{name} cannot be read: {error}", "lock again") from error


@lru_cache(maxsize=4)  # one lock is asked for many stages and platforms
def _parsed(text: str) -> Mapping[str, Any]:
    return tomllib.loads(text)
