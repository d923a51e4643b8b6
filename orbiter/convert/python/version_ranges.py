"""Version constraints of Poetry and Pipenv as PEP 440 specifiers.

https://python-poetry.org/docs/dependency-specification/#version-constraints defines them.
"""

import re
from collections.abc import Callable

from packaging.version import InvalidVersion, Version

_RELEASE = re.compile(r"v?(\d+(?:\.\d+)*)")
LONGEST = 200
"""Characters of the longest constraint that is read."""
_OPERATOR = re.compile(r"(\^|~=|~|===|==|!=|>=|<=|>|<|=)?\s*(.+)", re.DOTALL)


def specifier(text: str) -> str | None:
    """Return a constraint as a PEP 440 specifier, "" for any version, None if there is none.

    Alternatives (``^1 || ^2``) have no specifier.
    """
    if len(text) > LONGEST:
        return None
    parts = [part.strip() for part in text.split(",")]
    found = []
    for part in parts:
        for piece in _pieces(part):
            single = _single(piece)
            if single is None:
                return None
            found.append(single)
    return ",".join(filter(None, found))


def _pieces(part: str) -> list[str]:
    """Return the constraints of a text such as ``>=1 <2``, which Poetry also accepts."""
    joined = re.sub(r"([<>=!~^])\s+", r"\1", part)
    return joined.split() or [""]


def _single(text: str) -> str | None:
    if text == "*":
        return ""
    match = _OPERATOR.fullmatch(text)
    if not match or "|" in text:
        return None
    operator, version = match[1] or "", match[2]
    if operator == "^":
        return _between(version, _caret)
    if operator == "~":
        return _between(version, _tilde)
    return _plain(operator, version)


def _plain(operator: str, version: str) -> str | None:
    operator = {"": "==", "=": "=="}.get(operator, operator)
    bare = version.removesuffix(".*")
    if not _is_version(bare) and operator != "===":
        return None
    if bare != version and operator not in {"==", "!="}:
        return None
    return f"{operator}{version.removeprefix('v')}"


def _is_version(text: str) -> bool:
    try:
        Version(text)
    except InvalidVersion:
        return False
    return True


def _between(version: str, upper: Callable[[list[int]], str]) -> str | None:
    match = _RELEASE.match(version)
    if not match or not _is_version(version):
        return None
    numbers = [int(number) for number in match[1].split(".")]
    return f">={version.removeprefix('v')},<{upper(numbers)}"


def _caret(numbers: list[int]) -> str:
    """Return the next version that may be incompatible: a step of the first number that is set."""
    position = next((index for index, number in enumerate(numbers) if number), len(numbers) - 1)
    return _step(numbers, position)


def _tilde(numbers: list[int]) -> str:
    return _step(numbers, min(1, len(numbers) - 1))


def _step(numbers: list[int], position: int) -> str:
    kept = [*numbers[:position], numbers[position] + 1]
    return ".".join(map(str, kept))
