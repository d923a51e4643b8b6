"""Recognise values that look like secrets, which must not be in an image or in git. Pure."""

import re
from itertools import pairwise

# The prefixes that providers give their tokens, so that scanners find them.
_KNOWN = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"gh[opsur]_[A-Za-z0-9]{16,}"
    r"|github_pat_[A-Za-z0-9_]{16,}"
    r"|glpat-[A-Za-z0-9_-]{16,}"
    r"|(?:AKIA|ASIA)[A-Z0-9]{12,}"
    r"|sk-[A-Za-z0-9_-]{16,}"
    r"|xox[abeoprs]-[A-Za-z0-9-]{10,}"
    r"|hf_[A-Za-z0-9]{16,}"
    r"|npm_[A-Za-z0-9]{16,}"
    r"|pypi-[A-Za-z0-9_-]{16,}"
    r"|dckr_pat_[A-Za-z0-9_-]{16,}"
    r"|AIza[A-Za-z0-9_-]{16,}"
    r"|eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"
    r")|-----BEGIN [A-Z ]*PRIVATE KEY"
)
_CREDENTIALS = re.compile(r"://[^/\s:@]*:[^/\s@$]+@")
_SECRET_NAME = re.compile(
    r"(?:^|_)TOKEN$|PASSWORD|PASSWD|PASSPHRASE|SECRET|(?:^|_)API_?KEY$|PRIVATE_KEY|ACCESS_KEY"
)
_HARMLESS = re.compile(
    r"|true|false|yes|no|on|off|none|null|[01]"
    r"|[/~][\w.@+/-]*"  # the path of a file with the secret
    r"|(?:\$\{\w+\}[\w.@+/-]*)+",
    re.IGNORECASE,
)
"""Values that are harmless under any name."""
_OPTION = re.compile(r"-{0,2}([A-Za-z][\w.-]*)=(.*)", re.DOTALL)
_WORD = re.compile(r"[A-Za-z0-9+/=_-]{20,}")
_PIECE = 12
"""The number of letters and digits in a row that every random word has, despite its separators."""


def secret_reason(name: str, value: str) -> str:
    """Return why a named value looks like a secret, or "" if it does not."""
    plain_name = re.sub(r"[^A-Z0-9]+", "_", _snake(name).upper())
    is_harmless = _HARMLESS.fullmatch(value.strip("\"'"))
    if _SECRET_NAME.search(plain_name) and not is_harmless:
        return "its name is that of a secret"
    return _value_reason(value)


def word_reason(word: str) -> str:
    """Return why a word of a command looks like a secret, or "" if it does not."""
    option = _OPTION.fullmatch(word)
    return secret_reason(*option.groups()) if option else _value_reason(word)


def text_reason(text: str) -> str:
    """Return why a text seems to contain a secret, or "" if it does not."""
    if _KNOWN.search(text):
        return "it contains the token of a known service"
    return "it contains an address with a password" if _CREDENTIALS.search(text) else ""


def _value_reason(value: str) -> str:
    if _KNOWN.search(value):
        return "it starts like the token of a known service"
    if _CREDENTIALS.search(value):
        return "it is an address with a password"
    if any(_is_random(word) for word in _WORD.findall(value)):
        return "it contains a long random word"
    return ""


def _snake(name: str) -> str:
    """Return a name with separators between its words: ``apiKey`` as ``api_Key``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)


def _is_random(word: str) -> bool:
    """Return whether a word mixes capitals, small letters and digits as random ones do.

    Every fourth character of a readable word or a path at most is of another class than the one
    before it.
    """
    kinds = [_kind(character) for character in word if character.isalnum()]
    changes = sum(before != after for before, after in pairwise(kinds))
    longest = max(len(piece) for piece in re.split(r"[^A-Za-z0-9]+", word))
    return "digit" in kinds and longest >= _PIECE and changes >= len(word) / 4


def _kind(character: str) -> str:
    if character.isdigit():
        return "digit"
    return "capital" if character.isupper() else "small"
