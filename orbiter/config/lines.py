"""Find the lines and positions of keys and values in a TOML text. Pure.

Mistakes name the lines, and edits need the positions.

tomllib and tomlkit do not report positions. The text has been parsed before, so it is valid here.
"""

import re
import tomllib
from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from orbiter.config.mistakes import key_path

_TOKEN = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}'  # a string over several lines may end in two more quotes
    r"|'''.*?'{3,5}"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'"
    r"|#[^\n]*"
    r"|[\n\[\]{},=.]"
    r"|[^\s\[\]{},=.#\"']+",
    re.DOTALL,
)
_OPENING = {"[", "{"}
_CLOSING = {"]", "}"}


class Span(NamedTuple):
    """The position of a key's value or of a list entry; ``key`` is where the key itself starts.

    ``key`` is the start of the value for an entry of a list.
    """

    key: int
    start: int
    end: int


def value_spans(text: str) -> Mapping[str, Span]:
    """Return the position of each value and list entry, by its path as in ``key_lines``."""
    scanner = _Scanner(text)
    scanner.scan()
    return scanner.spans


def key_lines(text: str) -> Mapping[str, int]:
    """Return the line of each table, key and list entry, by its path: ``image.debian.base.pip[3]``.

    The first line has the number 1. A table without a header line is not listed.
    """
    return _Scanner(text).scan()


def line_of(key: str, lines: Mapping[str, int]) -> int:
    """Return the line of a key; of a missing key the line of its table; 0 if neither is known."""
    while key and key not in lines:
        key = key[: max(key.rfind("."), key.rfind("["), 0)]
    return lines.get(key, 0)


class _Container:
    """A table or list that contains the current token.

    ``path`` is its own path and ``index`` the number of the next entry of a list.
    """

    def __init__(self, path: str, *, is_list: bool) -> None:
        self.path = path
        self.is_list = is_list
        self.index = 0

    def entry_path(self) -> str:
        return f"{self.path}[{self.index}]"


class _Scanner:
    """Reads the tokens of a text once, from its beginning to its end."""

    def __init__(self, text: str) -> None:
        self.spans: dict[str, Span] = {}
        self._text = text
        self._lines: dict[str, int] = {}
        self._table = ""
        self._containers: list[_Container] = []
        self._words: list[str] = []  # the parts of a key before "=" or inside a header
        self._token_start = self._token_end = self._key_start = 0
        self._line = 1
        self._key = ""
        self._in_value = False
        self._brackets = 0  # those at the start of a header
        self._entries: Counter[str] = Counter()  # the headers of each list of tables

    def scan(self) -> dict[str, int]:
        """Return the line of each path."""
        for match in _TOKEN.finditer(self._text):
            token = match[0]
            self._token_start, self._token_end = match.span()
            if not token.startswith("#"):
                self._read(token)
            self._line += token.count("\n")
        return self._lines

    def _read(self, token: str) -> None:
        if self._in_value or self._containers:
            self._read_value(token)
        elif token == "[":
            self._brackets += 1
        elif token in {"\n", "]"}:
            self._end_header()
        elif token == "=":
            self._start_value(self._table)
        elif token != ".":
            self._add_word(token)

    def _add_word(self, token: str) -> None:
        if not self._words:
            self._key_start = self._token_start
        self._words.append(token)

    def _end_header(self) -> None:
        if self._brackets and self._words:
            self._table = self._header_path()
            self._lines.setdefault(self._table, self._line)
        self._words = []
        self._brackets = 0

    def _header_path(self) -> str:
        """Return the path of the table below a header; [[name]] adds an entry to a list."""
        path = ""
        for word in self._words:
            path = key_path(self._last_entry(path), _name(word))
        if self._brackets > 1:
            self._lines.setdefault(path, self._line)
            self._entries[path] += 1
        return self._last_entry(path)

    def _last_entry(self, path: str) -> str:
        """Return the path of the last entry of a list of tables; of a table its own path."""
        count = self._entries[path]
        return f"{path}[{count - 1}]" if count else path

    def _start_value(self, table: str) -> None:
        self._key = _path(table, self._words)
        self._lines.setdefault(self._key, self._line)
        self._words = []
        self._in_value = True

    def _read_value(self, token: str) -> None:
        inner = self._containers[-1] if self._containers else None
        if token == "\n":
            self._in_value = self._in_value and inner is not None
        elif inner and not inner.is_list and not self._in_value:
            self._read_inline_key(token, inner)
        elif token in _OPENING:
            self._open(token, inner)
        elif token in _CLOSING:
            self._close()
        elif token == ",":
            self._end_entry(inner)
        elif inner and inner.is_list:
            self._lines.setdefault(inner.entry_path(), self._line)
            self._extend_span(inner.entry_path(), self._token_start)
        else:
            self._extend_span(self._key, self._key_start)

    def _extend_span(self, path: str, key: int) -> None:
        """Add the current token to the value at a path."""
        span = self.spans.get(path) or Span(key, self._token_start, self._token_end)
        self.spans[path] = span._replace(end=self._token_end)

    def _read_inline_key(self, token: str, inner: _Container) -> None:
        if token == "=":
            self._start_value(inner.path)
        elif token == "}":
            self._close()
        elif token not in {".", ","}:
            self._add_word(token)

    def _open(self, token: str, inner: _Container | None) -> None:
        path, key = self._key, self._key_start
        if inner and inner.is_list:
            path, key = inner.entry_path(), self._token_start
            self._lines.setdefault(path, self._line)
        self._extend_span(path, key)
        self._containers.append(_Container(path, is_list=token == "["))
        self._in_value = token == "["

    def _close(self) -> None:
        path = self._containers.pop().path
        self.spans[path] = self.spans[path]._replace(end=self._token_end)
        # A closed container was the value of a key or an entry of a list.
        self._in_value = bool(self._containers)

    def _end_entry(self, inner: _Container | None) -> None:
        if inner and inner.is_list:
            inner.index += 1
        else:
            self._in_value = False


def _path(table: str, words: list[str]) -> str:
    for word in words:
        table = key_path(table, _name(word))
    return table


def _name(word: str) -> str:
    """Return the name of a key without its quotes."""
    if word[0] in "\"'":
        return str(tomllib.loads(f"key = {word}")["key"])
    return word
