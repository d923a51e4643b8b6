"""Ranges of versions as npm understands them (node-semver). Pure.

Grammar: https://github.com/npm/node-semver#ranges. Of the Python packages for it, the last releases
are from 2022.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

_IDENTIFIERS = r"[0-9A-Za-z.-]+"
_VERSION = re.compile(
    rf"[v=\s]*(\d{{1,16}})\.(\d{{1,16}})\.(\d{{1,16}})(?:-({_IDENTIFIERS}))?(?:\+{_IDENTIFIERS})?"
)
_NUMBER = r"(\d{1,16}|[xX*])"
_PARTIAL = re.compile(
    rf"(\^|~>?|[<>]=?|=)?[v=]*"
    rf"(?:{_NUMBER}(?:\.{_NUMBER}(?:\.{_NUMBER}(?:-({_IDENTIFIERS}))?)?)?(?:\+{_IDENTIFIERS})?)?"
)
_SPACE_AFTER_OPERATOR = re.compile(r"(\^|~>?|[<>]=?|=)\s+")
_MAX_LENGTH = 256
"""node-semver rejects longer texts, too."""

Identifier = tuple[int, int, str]


class Semver(NamedTuple):
    """A version; its order is that of npm. ``final`` is False for pre-releases."""

    major: int
    minor: int
    patch: int
    final: bool
    prerelease: tuple[Identifier, ...] = ()


class _Comparator(NamedTuple):
    operator: str
    version: Semver

    def allows(self, version: Semver) -> bool:
        """Return whether a version is on the right side."""
        if self.operator == "=":
            return version == self.version
        if self.operator == "<":
            return version < self.version
        if self.operator == "<=":
            return version <= self.version
        if self.operator == ">":
            return version > self.version
        return version >= self.version


Range = tuple[tuple[_Comparator, ...], ...]
"""Alternatives, each of comparators that all must allow a version."""

LOWEST = Semver(0, 0, 0, False, ((0, 0, ""),))
"""The version 0.0.0-0, below all others."""
NOTHING = (_Comparator("<", LOWEST),)


def parse_version(text: str) -> Semver | None:
    """Return a version; None for any other text."""
    match = _VERSION.fullmatch(text.strip()) if len(text) <= _MAX_LENGTH else None
    if not match:
        return None
    major, minor, patch, prerelease = match.groups()
    return _semver(int(major), int(minor), int(patch), prerelease or "")


def _semver(major: int, minor: int, patch: int, prerelease: str = "") -> Semver:
    identifiers = tuple(
        (0, int(part), "") if part.isdigit() else (1, 0, part)
        for part in (prerelease.split(".") if prerelease else ())
    )
    return Semver(major, minor, patch, not prerelease, identifiers)


def parse_range(text: str) -> Range | None:
    """Return a range; None for any other text, such as a tag."""
    if len(text) > _MAX_LENGTH:
        return None
    alternatives = []
    for alternative in text.split("||"):
        comparators = _alternative(alternative.strip())
        if comparators is None:
            return None
        alternatives.append(comparators)
    return tuple(alternatives)


def satisfies(version: Semver, allowed: Range) -> bool:
    """Return whether a range allows a version.

    It allows a pre-release only if it names another pre-release of the same version.
    """
    return any(
        all(each.allows(version) for each in comparators)
        and (version.final or any(_names_prerelease(each, version) for each in comparators))
        for comparators in allowed
    )


def _names_prerelease(comparator: _Comparator, version: Semver) -> bool:
    return not comparator.version.final and comparator.version[:3] == version[:3]


def _alternative(text: str) -> tuple[_Comparator, ...] | None:
    lower, hyphen, upper = text.partition(" - ")
    if hyphen:
        words = [f">={lower.strip()}", f"<={upper.strip()}"]
    else:
        words = _SPACE_AFTER_OPERATOR.sub(r"\1", text).split() or [""]
    comparators: list[_Comparator] = []
    for word in words:
        match = _PARTIAL.fullmatch(word)
        if not match:
            return None
        comparators += _comparators(*match.groups())
    return tuple(comparators)


def _comparators(
    operator: str | None,
    major: str | None,
    minor: str | None,
    patch: str | None,
    prerelease: str | None,
) -> Iterator[_Comparator]:
    """Yield the comparators of one word of a range, such as ``^1.2`` or ``<=2.x``."""
    numbers: list[int] = []
    for number in (major, minor, patch):
        if number is None or not number.isdigit():
            break
        numbers.append(int(number))
    if not numbers:
        yield from NOTHING if operator in {"<", ">"} else (_Comparator(">=", _semver(0, 0, 0)),)
        return
    is_complete = len(numbers) == len(_ZEROS)
    lower = _semver(*_padded(numbers), (prerelease or "") if is_complete else "")
    if operator in {"^", "~", "~>"}:
        yield _Comparator(">=", lower)
        yield _below(_upper(operator, numbers))
    elif is_complete:
        yield _Comparator(operator or "=", lower)
    else:
        yield from _partial(operator or "=", numbers, lower)


def _partial(operator: str, numbers: list[int], lower: Semver) -> Iterator[_Comparator]:
    """Yield the comparators of a version with missing numbers."""
    if operator in {">=", "="}:
        yield _Comparator(">=", lower)
    if operator in {"<=", "="}:
        yield _below(_next(numbers))
    if operator == ">":
        yield _Comparator(">=", _semver(*_padded(_next(numbers))))
    if operator == "<":
        yield _below(numbers)


_ZEROS = (0, 0, 0)


def _padded(numbers: list[int]) -> tuple[int, int, int]:
    major, minor, patch = (*numbers, *_ZEROS)[: len(_ZEROS)]
    return major, minor, patch


def _below(numbers: list[int]) -> _Comparator:
    """Return the comparator for versions below some numbers and all of their pre-releases."""
    return _Comparator("<", _semver(*_padded(numbers), "0"))


def _next(numbers: list[int]) -> list[int]:
    """Return the numbers with the last one raised."""
    return [*numbers[:-1], numbers[-1] + 1]


def _upper(operator: str, numbers: list[int]) -> list[int]:
    """Return the first numbers that ``^`` or ``~`` no longer allows."""
    if operator != "^":
        return _next(numbers[:2])
    # The first number other than 0 must stay; without one, the last number.
    kept = next((place for place, number in enumerate(numbers) if number), len(numbers) - 1)
    return _next(numbers[: kept + 1])
