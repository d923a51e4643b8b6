"""The mistakes of one images.toml: collected, then shown all at once."""

import json
from collections.abc import Iterable

import msgspec

from resolvers.errors import ExpectedError


class Mistake(msgspec.Struct, frozen=True, kw_only=True):
    """One mistake: its key path (``image.debian.base.pip[3]``), what is wrong, what was expected, what to do."""

    key: str
    problem: str
    expected: str = ""
    hint: str

    def __str__(self) -> str:
        place = f"{self.key}: " if self.key else ""
        return f"{place}{self.problem}" + (f"; expected {self.expected}" if self.expected else "")


class ConfigError(ExpectedError):
    """All mistakes of one images.toml: a line and a hint for each."""

    def __init__(self, file: str, mistakes: tuple[Mistake, ...]) -> None:
        lines = [f"{file}: {mistake}" for mistake in mistakes]
        hints = [mistake.hint for mistake in mistakes]
        if len(mistakes) > 1:
            lines.insert(0, f"{file} has {len(mistakes)} mistakes")
            hints = [f"{mistake.key}: {mistake.hint}" for mistake in mistakes]
        super().__init__("\n  ".join(lines), "\n  ".join(hints))
        self.mistakes = mistakes


class Mistakes:
    """Collects mistakes: the first one of each key path, for what follows from it says nothing new."""

    def __init__(self) -> None:
        self._found: dict[str, Mistake] = {}

    def add(self, key: str, problem: str, *, expected: str = "", hint: str) -> None:
        """Note what is wrong at a key path, what was expected there, and what to do about it."""
        self._found.setdefault(key, Mistake(key=key, problem=problem, expected=expected, hint=hint))

    @property
    def all(self) -> tuple[Mistake, ...]:
        """What was noted, in that order."""
        return tuple(self._found.values())


def key_path(path: str, key: str) -> str:
    """The path of a key inside a table, quoted where TOML wants it quoted."""
    bare = key.isascii() and key.replace("-", "a").replace("_", "a").isalnum()
    name = key if bare else toml_literal(key)
    return f"{path}.{name}" if path else name


def toml_literal(value: object) -> str:
    """A text, number or boolean as TOML writes it."""
    return json.dumps(value, ensure_ascii=False)


def suggest(word: str, known: Iterable[str], otherwise: str) -> str:
    """A hint that names the known word nearest to a wrong one, or the other hint where none is near."""
    from difflib import get_close_matches

    near = get_close_matches(word, list(known), n=1)
    return f"did you mean '{near[0]}'?" if near else otherwise
