"""The pyproject.toml beside pip's lock file: what humans asked for, one dependency group a stage."""

import json
import tomllib
from collections.abc import Iterable, Mapping
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from resolvers.errors import ExpectedError, UnsolvableError
from resolvers.types import Group, LockFiles, Request

FILE = "pyproject.toml"
PROJECT = "orbiter-image"
"""The name of the project that Poetry and uv believe to lock."""


def python(request: Request) -> str:
    """The exact Python of all targets. Raises ExpectedError where there is none, or more than one."""
    found = sorted({target.python for target in request.targets})
    if found in ([], [""]):
        raise ExpectedError("pip requirements need a Python in the image", 'add "python3" to an apt list')
    if len(found) > 1:
        raise ExpectedError(
            f"the platforms have different Pythons ({', '.join(found)}), and pip's lock is made for one",
            "use a base image that has the same Python on every platform",
        )
    return found[0]


def text(request: Request, requires_python: str, tool: str) -> str:
    """The file's text; ``tool`` is what the engine wants to find below."""
    parts = [
        f'[project]\nname = "{PROJECT}"\nversion = "0"\nrequires-python = {quoted(requires_python)}\n',
        "[dependency-groups]\n" + "".join(f"{group.name} = {_array(group.requirements)}" for group in _asking(request)),
        tool,
    ]
    if allowed := {canonicalize_name(name) for group in request.groups for name in group.sources}:
        parts.append(f"[tool.orbiter]\nsdist = {_array(allowed)}")
    return "\n".join(parts)


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
    names = tomllib.loads(files[FILE]).get("tool", {}).get("orbiter", {}).get("sdist", [])
    return frozenset(canonicalize_name(name) for name in names)


def unsolvable(request: Request, explanation: str) -> UnsolvableError:
    """The error for an engine's explanation: with the requirements that it mentions, and whose they are."""
    text = explanation.replace(f"{PROJECT}:", "").replace(PROJECT, "the image")
    words = "".join(letter if letter.isalnum() or letter in "-_." else " " for letter in text).split()
    names = {canonicalize_name(word.strip(".")) for word in words}
    asked = [
        f"  '{wish}' is asked for by '{group.name}'"
        for group in request.groups
        for wish in sorted(set(group.requirements))
        if canonicalize_name(Requirement(wish).name) in names
    ]
    upgrades = request.upgrade.packages.items()
    held = [f"  '{name}=={version}' is asked for as upgrade" for name, version in upgrades if version]
    lines = ["the pip requirements cannot be met together:", text, *asked, *held]
    return UnsolvableError("\n".join(lines), "loosen or drop one of these requirements")


def table(files: LockFiles, name: str) -> Mapping[str, Any]:
    """A lock file as a mapping. Raises ExpectedError when it is no TOML."""
    try:
        return tomllib.loads(files[name])
    except tomllib.TOMLDecodeError as error:
        raise ExpectedError(f"{name} cannot be read: {error}", "lock again") from error
