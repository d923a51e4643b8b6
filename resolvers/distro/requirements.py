"""Requirements of stages for apk or apt, checked before the manager runs."""

from collections.abc import Callable
from typing import NamedTuple

from resolvers.errors import ExpectedError
from resolvers.types.request import Group


class Requirement(NamedTuple):
    """A package name, and the exact version if the requirement is for one."""

    name: str
    exact: str = ""


class Syntax(NamedTuple):
    """The requirements of one manager.

    ``parse`` returns None for a text that is not a requirement. ``hint`` says what to write
    instead.
    """

    manager: str
    parse: Callable[[str], Requirement | None]
    hint: str


def exact_versions(groups: tuple[Group, ...], syntax: Syntax) -> dict[str, str]:
    """Return the exact versions that requirements name, by package.

    Raises ExpectedError for a text that is not a requirement and for two versions of one package.
    """
    versions: dict[str, str] = {}
    stages: dict[str, str] = {}
    for group in groups:
        for text in group.requirements:
            name, exact = _parse(text, group.name, syntax)
            if not exact:
                continue
            first, stage = versions.setdefault(name, exact), stages.setdefault(name, group.name)
            if first != exact:
                raise ExpectedError(
                    f"{syntax.manager}: stage '{stage}' requires {name}={first},"
                    f" but stage '{group.name}' requires {name}={exact}",
                    "use one version of a package in all stages of a builder",
                )
    return versions


def _parse(text: str, stage: str, syntax: Syntax) -> Requirement:
    requirement = syntax.parse(text)
    if requirement is None:
        raise ExpectedError(
            f"{syntax.manager}: '{text}' of stage '{stage}' is not a valid requirement", syntax.hint
        )
    return requirement
