"""Merge markers, invisible characters, and letters outside ASCII in names."""

import re
import unicodedata
from collections.abc import Iterator

from orbiter.lint.lines import Lines
from orbiter.lint.types import CheckedText, Finding
from orbiter.lockfiles.document import CONFLICT

NOT_ASCII = re.compile(r"[^\x00-\x7f]+")
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
KEY = re.compile(r"[\s-]*+[\"']?([\w.-]{1,40})[\"']?[ \t]*+[:=]")
FREE_TEXT = frozenset(
    {
        "author",
        "authors",
        "bugreports",
        "bugs",
        "contributors",
        "copyright",
        "deprecated",
        "description",
        "license",
        "licence",
        "maintainer",
        "maintainers",
        "summary",
        "title",
    }
)
"""Keys whose values are prose in any language."""
JOINERS = "\u200c\u200d\ufe0e\ufe0f"
"""Invisible characters that belong to emoji and to some scripts."""


def find_characters(document: CheckedText, lines: Lines) -> Iterator[Finding]:
    """Yield merge markers, invisible characters, and names that are not ASCII."""
    text = document.text
    for match in CONFLICT.finditer(text):
        line = lines.number(match.start())
        yield Finding(rule="merge-marker", line=line, message=f"the line starts with {match[1]}")
    for match in CONTROL.finditer(text):
        yield _invisible(match[0], lines.number(match.start()))
    if text.isascii():
        return
    for match in NOT_ASCII.finditer(text):
        line = lines.number(match.start())
        is_prose = is_free_text(lines, match.start())
        hidden = [each for each in match[0] if _is_invisible(each, is_prose=is_prose)]
        for character in dict.fromkeys(hidden):
            yield _invisible(character, line)
        letters = [each for each in match[0] if unicodedata.category(each)[0] in "LMN"]
        if not is_prose and letters:
            yield Finding(rule="non-ascii-name", line=line, message=_named(letters[0]))


def is_free_text(lines: Lines, position: int) -> bool:
    """Return whether a position is in a comment or in the value of a key with prose."""
    start = lines.before(position)
    if start.lstrip().startswith(("#", "//")) or " #" in start:
        return True
    key = KEY.match(start)
    return key is not None and key[1].lower() in FREE_TEXT


def _is_invisible(character: str, *, is_prose: bool) -> bool:
    if is_prose and character in JOINERS:
        return False
    # Cf are format characters, for example those that reverse the direction of a text.
    return unicodedata.category(character) in {"Cf", "Cc", "Zl", "Zp"} or character in JOINERS


def _invisible(character: str, line: int) -> Finding:
    return Finding(rule="invisible-character", line=line, message=_named(character))


def _named(character: str) -> str:
    name = unicodedata.name(character, "control character")
    return f"U+{ord(character):04X} {name}"
