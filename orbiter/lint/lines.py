"""Line numbers of positions and of packages in a text."""

import re
from bisect import bisect_right
from functools import cached_property

from orbiter.lockfiles.types import PackageEntry

WORD = re.compile(r"[A-Za-z0-9@_][A-Za-z0-9@._/-]*+")
MAX_POSITIONS = 40
"""Compared positions of a name; a hostile file could repeat one name in each line."""
MAX_BEFORE = 500
"""Characters of a line's beginning; a whole file may be on one line."""
NEAR = 300
"""Characters after a name that may contain its version."""


class Lines:
    """The lines of a text."""

    def __init__(self, text: str) -> None:
        self._text = text

    def number(self, position: int) -> int:
        """Return the line of a position, starting at 1."""
        return bisect_right(self._starts, position)

    def before(self, position: int) -> str:
        """Return the beginning of a line, at most up to a position on it."""
        start = self._starts[self.number(position) - 1]
        return self._text[start : min(position, start + MAX_BEFORE)]

    def of_word(self, word: str) -> int:
        """Return the line of the first occurrence of a word; 0 if there is none."""
        positions = self._words.get(word.lower(), ())
        return self.number(positions[0]) if positions else 0

    def of_entry(self, entry: PackageEntry) -> int:
        """Return the line on which an entry probably starts; 0 if its name is not found."""
        ids = [copy.id for copy in entry.copies[:1]]
        files = [file.name for file in entry.files[:1] if file.name]
        for word in (*ids, entry.name, *files):
            if positions := self._words.get(word.lower()):
                best = max(positions, key=lambda position: self._score(position, word, entry))
                return self.number(best)
        return 0

    def _score(self, position: int, word: str, entry: PackageEntry) -> tuple[bool, bool, int]:
        end = position + len(word)
        is_name = "name" in self._text[max(0, position - 12) : position].lower()
        has_version = bool(entry.version) and entry.version in self._text[end : end + NEAR]
        return has_version, is_name, -position

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(match.end() for match in re.finditer("\n", self._text))]

    @cached_property
    def _words(self) -> dict[str, list[int]]:
        """Return the first positions of each word, its last part and its normalised name."""
        found: dict[str, list[int]] = {}
        for match in WORD.finditer(self._text):
            word = match[0].lower()
            name = word.rpartition("/")[2]
            for spelling in {word, name, word.replace("_", "-").replace(".", "-")}:
                positions = found.setdefault(spelling, [])
                if len(positions) < MAX_POSITIONS:
                    positions.append(match.start())
        return found
