"""Variables of a Dockerfile: the values of ENV and ARG that are certain.

Scopes: https://docs.docker.com/build/building/variables/.
"""

import re
from collections.abc import Iterator, Mapping

import msgspec

from orbiter.convert.dockerfile.words import VARIABLE

LONGEST = 4096
"""The length of the longest value that is remembered."""
BUDGET = 1 << 20
"""The length of all text that variables of a Dockerfile expand to. Then no value is certain."""
PIECE = re.compile(
    r"(?P<space>\s++)|'(?P<single>[^']*+)(?P<single_end>'?)"
    r"|\"(?P<double>(?:[^\"\\]++|\\.)*+)(?P<double_end>\"?)|(?P<plain>(?:[^\s'\"\\]++|\\.)++)",
    re.DOTALL,
)


class Piece(msgspec.Struct, frozen=True):
    """A part of a word that is quoted in one way."""

    kind: str
    text: str
    is_closed: bool = True


class Assignment(msgspec.Struct, frozen=True, kw_only=True):
    """A variable, and the parts of its value; None if it has no value."""

    name: str
    value: tuple[Piece, ...] | None


def assignments(text: str, *, is_env: bool) -> tuple[Assignment, ...]:
    """Return the variables of an instruction, also of the form ``ENV name value``."""
    name, _, value = text.replace("\t", " ").partition(" ")
    if is_env and "=" not in name:
        return (Assignment(name=name, value=tuple(_pieces(value.strip()))),)
    return tuple(filter(None, map(_assignment, _words(text))))


def _pieces(text: str) -> Iterator[Piece]:
    for match in PIECE.finditer(text):
        kind = (match.lastgroup or "").removesuffix("_end")
        is_closed = match.groupdict().get(f"{kind}_end") != ""
        yield Piece(kind=kind, text=match[kind], is_closed=is_closed)


def _words(text: str) -> Iterator[list[Piece]]:
    word: list[Piece] = []
    for piece in _pieces(text):
        if piece.kind != "space":
            word.append(piece)
        elif word:
            yield word
            word = []
    if word:
        yield word


def _assignment(word: list[Piece]) -> Assignment | None:
    """Return the assignment in a word; None if it has no name that can be shown."""
    name, separator, start = word[0].text.partition("=")
    if word[0].kind != "plain" or not (separator or name.isidentifier()):
        return None
    if not separator:
        return Assignment(name=name, value=None)
    return Assignment(name=name, value=(Piece(kind="plain", text=start), *word[1:]))


class Variables:
    """The variables that are known after the instructions so far."""

    def __init__(self) -> None:
        self._values: dict[str, str] = {}
        self._before_from: dict[str, str] = {}
        self._environment: set[str] = set()
        self._is_in_stage = False
        self._budget = BUDGET

    def enter_stage(self) -> None:
        """Begin a stage: from now on, an ARG before the first FROM needs another ARG."""
        self._is_in_stage = True

    def set_env(self, found: tuple[Assignment, ...]) -> None:
        """Remember the variables of an ENV. They do not see each other."""
        values = [(each.name, self._value(each.value or ())) for each in found]
        for name, value in values:
            self._environment.add(name)
            _remember(self._values, name, value)

    def set_arg(self, found: tuple[Assignment, ...]) -> None:
        """Remember the defaults of an ARG. A variable of ENV is stronger."""
        for each in found:
            value = self._value(each.value) if each.value else self._before_from.get(each.name)
            if not self._is_in_stage:
                _remember(self._before_from, each.name, value)
            elif each.name not in self._environment:
                _remember(self._values, each.name, value)

    def used_in(self, code: str) -> Mapping[str, str]:
        """Return the known variables in shell code; none if their values are too long."""
        known = self._values if self._is_in_stage else self._before_from
        names = [match[1] or match[2] for match in VARIABLE.finditer(code)]
        size = sum(len(known.get(name, "")) for name in names)
        if size > self._budget:
            return {}
        self._budget -= size
        return {name: known[name] for name in names if name in known}

    def _value(self, pieces: tuple[Piece, ...]) -> str | None:
        """Return a value, None if it is not certain."""
        parts = []
        for piece in pieces:
            is_literal = piece.kind == "single"
            if not piece.is_closed or ("\\" in piece.text and not is_literal):
                return None
            text = piece.text if is_literal else self._expand(piece.text)
            if text is None:
                return None
            parts.append(text)
        return "".join(parts)

    def _expand(self, text: str) -> str | None:
        known = self.used_in(text)
        if "$" in VARIABLE.sub(lambda match: "" if (match[1] or match[2]) in known else "$", text):
            return None
        return VARIABLE.sub(lambda match: known[match[1] or match[2]], text)


def _remember(values: dict[str, str], name: str, value: str | None) -> None:
    values.pop(name, None)
    if value and len(value) <= LONGEST and name.isidentifier():
        values[name] = value
