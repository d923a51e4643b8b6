"""Lines about programs, requests and files for people: without secrets, on one line each. Pure."""

import re
import shlex
from collections.abc import Iterable
from pathlib import Path

LONGEST_WORD = 300
TOKEN = re.compile(r"/t/[^/\s]+")
"""Token of a conda channel, which its servers take as a part of the path."""
QUERY = re.compile(r"\?\S*")
_WORD = re.compile(r"\S+")
_HOST = re.compile(r"(?:\[[0-9a-fA-F:.]*\]|[^/@:]*)(?::\d+)?(?:/|$)")
"""A host and its port: an address that starts with it has no login."""
_SSH_USER = re.compile(r"[^/@:]+@(?=[\w.-]+(?::\d+)?/)")
"""The user of ssh, which is a login name without a password."""

# Nothing in these patterns is without a limit before the first fixed text, and what is after it is
# possessive, so the time is linear. A name such as "tokenizers" or a version (==) is not a secret.
_KIND = (
    r"(?:token|secret|passw(?:or)?d|passphrase|credentials?|[_-](?:auth|pass|pwd)"
    r"|(?:api|access|account|auth|private|secret|signing|encryption)[_-]?key)(?:[_-]?\d{1,3})?"
)
_VALUE = r"(?P<value>(?:\"(?!\Z)(?:\\.|[^\"\\])*+(?:\"|\Z)|'(?!\Z)[^']*+(?:'|\Z)|\\.|[^\s\"'\\])++)"
_ASSIGNMENT = re.compile(rf"(?P<name>{_KIND}=(?!=)){_VALUE}", re.IGNORECASE | re.DOTALL)
_FIELD = re.compile(
    rf"(?P<name>{_KIND}[\"']?\s{{0,3}}(?::|=(?!=))\s{{0,3}})(?!//)"
    r"(?P<value>\"(?:\\.|[^\"\\])*+(?:\"|\Z)|'[^']*+(?:'|\Z)|[^\s\"']++)",
    re.IGNORECASE | re.DOTALL,
)
_OPTION = re.compile(
    rf"(?P<name>(?<![\w-])--(?:[\w-]{{1,40}}[_-])?{_KIND}\s{{1,9}}){_VALUE}",
    re.IGNORECASE | re.DOTALL,
)
_USER_OPTION = re.compile(
    r"(?P<name>(?<!\S)(?:-u|--user|--proxy-user)[\s=]{0,3}[^\s:@/]{1,99}:)(?P<value>\S++)"
)
_HEADER = re.compile(
    r"(?P<name>\bauthorization[\"']?\s{0,3}[:=]\s{0,3})(?P<value>[\"']?[^\"'\n]++)", re.IGNORECASE
)
_BEARER = re.compile(r"(?P<name>\bbearer\s{1,3})(?P<value>[^\s\"']++)", re.IGNORECASE)
_PATTERNS = (_HEADER, _BEARER, _ASSIGNMENT, _FIELD, _OPTION, _USER_OPTION)
_PARAMETER = re.compile(
    rf"(?:.*{_KIND}|.*signature|.*credential|sig|auth|key|code|pass|pwd)=.*",
    re.IGNORECASE | re.DOTALL,
)
_CLOSING = "\"')]}>,;"


def redact(text: str, mark: str = "") -> str:
    """Return a text without the logins of all URLs in it; ``mark`` stands for each of them."""
    if "://" not in text or "@" not in text:
        return text
    if text.count("://") == 1:
        return _without_logins(text, mark)  # a wrong address may contain spaces
    return _WORD.sub(lambda match: _without_logins(match[0], mark), text)


def _without_logins(word: str, mark: str) -> str:
    parts, position, last = [], 0, word.rfind("@")
    while (start := word.find("://", position)) >= 0:
        start += len("://")
        parts.append(word[position:start])
        position = start
        if start <= last and not _HOST.match(word, start):
            user = _SSH_USER.match(word, start) if word.endswith("ssh://", 0, start) else None
            # A password may hold an unescaped "/", so remove everything up to the last "@".
            position = user.end() if user else last + 1
            parts.append(mark)
    return "".join((*parts, word[position:]))


def without_secrets(text: str, mark: str = "") -> str:
    """Return a text without logins and tokens in addresses, and without values of secret names."""
    shown = redact(text, mark)
    if "://" in shown:
        shown = _WORD.sub(lambda match: _without_tokens(match[0]), shown)
    for pattern in _PATTERNS:
        shown = pattern.sub(lambda match: f"{match['name']}…", shown)
    return shown


def without_secret_parameters(url: str) -> str:
    """Return a URL without its login, and without the parameters that give access to it."""
    address, separator, query = redact(url).partition("?")
    kept = "&".join(part for part in query.split("&") if not _PARAMETER.fullmatch(part))
    return f"{address}{separator}{kept}" if kept else address


def request_line(method: str, url: str, outcome: object) -> str:
    """Return the line about a request and its outcome; tokens are not part of the address."""
    return f"{method} {_printable(without_secrets(url))}: {outcome}"


def program_line(words: Iterable[str | Path]) -> str:
    """Return the line about a program that starts, as one could type it in a shell."""
    line = f"run {' '.join(shlex.quote(_word(str(word))) for word in words)}"
    return _OPTION.sub(lambda match: f"{match['name']}…", line)


def _word(word: str) -> str:
    shown = _printable(without_secrets(word))
    return shown if len(shown) <= LONGEST_WORD else f"{shown[:LONGEST_WORD]}…"


def _without_tokens(word: str) -> str:
    """Return a word without the token of a conda channel and without the query of an address."""
    if "://" not in word:
        return word
    return TOKEN.sub("/t/…", QUERY.sub(_short_query, word))


def _short_query(match: re.Match[str]) -> str:
    query = match[0]
    return f"?…{query[len(query.rstrip(_CLOSING)) :]}"


def _printable(text: str) -> str:
    """Return a text on one line, without control characters that a terminal would obey."""
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape", "replace").decode()
        for each in text
    )
