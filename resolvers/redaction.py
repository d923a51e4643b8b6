"""Lines about programs and requests for people: without credentials, on one line each. Pure."""

import re
import shlex
from collections.abc import Iterable
from pathlib import Path

LONGEST_WORD = 300
TOKEN = re.compile(r"/t/[^/\s]+")
"""Token of a conda channel, which its servers take as a part of the path."""
QUERY = re.compile(r"\?\S*")


def redact(url: str) -> str:
    """Return a URL without its credentials."""
    scheme, separator, rest = url.partition("://")
    if re.match(r"[^/@:]*(:\d+)?(/|$)", rest):
        return url
    # A password may hold an unescaped "/", so remove everything up to the last "@".
    return f"{scheme}{separator}{rest.rpartition('@')[2]}"


def request_line(method: str, url: str, outcome: object) -> str:
    """Return the line about a request and its outcome; tokens are not part of the address."""
    return f"{method} {_printable(_without_tokens(url))}: {outcome}"


def program_line(words: Iterable[str | Path]) -> str:
    """Return the line about a program that starts, as one could type it in a shell."""
    return f"run {' '.join(shlex.quote(_word(str(word))) for word in words)}"


def _word(word: str) -> str:
    shown = " ".join(map(_without_tokens, word.split(" "))) if "://" in word else word
    shown = _printable(shown)
    return shown if len(shown) <= LONGEST_WORD else f"{shown[:LONGEST_WORD]}…"


def _without_tokens(url: str) -> str:
    if "://" not in url:
        return url
    return TOKEN.sub("/t/…", QUERY.sub("?…", redact(url)))


def _printable(text: str) -> str:
    """Return a text on one line, without control characters that a terminal would obey."""
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape", "replace").decode()
        for each in text
    )
