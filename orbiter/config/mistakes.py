"""The mistakes of one images.toml, collected and then reported together."""

import json
from collections.abc import Iterable, Mapping

import msgspec

from resolvers.errors import ExpectedError

KEYS_HINT = "`orbiter schema` describes every key"


class Mistake(msgspec.Struct, frozen=True, kw_only=True):
    """One mistake: its key path (``image.debian.base.pip[3]``), the problem and the remedy.

    ``line`` is its line in the file, or 0 if unknown.
    """

    key: str
    problem: str
    expected: str = ""
    hint: str
    line: int = 0

    def __str__(self) -> str:
        text = f"{self.key}: {self.problem}" if self.key else self.problem
        if self.expected:
            text += f"; expected {self.expected}"
        return text


class ConfigError(ExpectedError):
    """All mistakes of one images.toml, with a line and a hint for each."""

    def __init__(self, file: str, mistakes: tuple[Mistake, ...]) -> None:
        lines = [f"{_position(file, mistake.line)}: {mistake}" for mistake in mistakes]
        hints = [mistake.hint for mistake in mistakes]
        if len(mistakes) > 1:
            lines.insert(0, f"{file} has {len(mistakes)} mistakes")
            hints = [f"{mistake.key}: {mistake.hint}" for mistake in mistakes]
        super().__init__("\n  ".join(lines), "\n  ".join(hints))
        self.mistakes = mistakes


def _position(file: str, line: int) -> str:
    """Return ``images.toml:12``, which editors and terminals can open."""
    return f"{file}:{line}" if line else file


class Mistakes:
    """Collects mistakes.

    Only the first mistake of each key path counts, because later ones usually follow from it.
    ``keys_hint`` is the remedy for an unknown key, unless ``tables`` has the table that it belongs
    to.
    """

    def __init__(
        self, *, keys_hint: str = KEYS_HINT, tables: Mapping[str, str] | None = None
    ) -> None:
        self.keys_hint = keys_hint
        self.tables = tables
        self._by_key: dict[str, Mistake] = {}

    def add(self, key: str, problem: str, *, expected: str = "", hint: str) -> None:
        """Record the problem at a key path, the expected value and the remedy."""
        mistake = Mistake(key=key, problem=problem, expected=expected, hint=hint)
        self._by_key.setdefault(key, mistake)

    @property
    def all(self) -> tuple[Mistake, ...]:
        """All mistakes, in the order in which they were added."""
        return tuple(self._by_key.values())


def key_path(table: str, key: str) -> str:
    """Return the path of a key inside a table, with the quotes that TOML requires."""
    is_bare = key.isascii() and key.replace("-", "a").replace("_", "a").isalnum()
    name = key if is_bare else toml_literal(key)
    return ".".join(filter(None, (table, name)))


def toml_literal(value: object) -> str:
    """Return a string, number or boolean as TOML writes it."""
    return json.dumps(value, ensure_ascii=False)


def suggest(word: str, known: Iterable[str], otherwise: str) -> str:
    """Return a hint that names the known word closest to ``word``, or ``otherwise``."""
    found = closest(word, known)
    return f"did you mean '{found}'?" if found else otherwise


def closest(word: str, known: Iterable[str]) -> str:
    """Return the known word closest to ``word``, "" if none is close.

    ``debian-base`` is closest to ``base-debian``: it has the same parts in another order.
    """
    from difflib import get_close_matches  # only imported if there is a mistake

    choices = list(known)
    parts = sorted(word.split("-"))
    matches = [choice for choice in choices if sorted(choice.split("-")) == parts]
    matches = matches or get_close_matches(word, choices, n=1)
    return matches[0] if matches else ""
