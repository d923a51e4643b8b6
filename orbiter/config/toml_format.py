"""Texts, lists and inline tables as TOML. Pure."""

import re
from collections.abc import Mapping

import msgspec

from orbiter.config.mistakes import toml_literal

BARE_KEY = re.compile("[A-Za-z0-9_-]+")
INDENT = "    "
TablePath = tuple[str, ...]
Table = tuple[tuple[str, str], ...]
"""The keys and values of an inline table."""


class ListItem(msgspec.Struct, frozen=True, kw_only=True):
    """A list entry with the comment on its line: a text, or an inline table of texts."""

    text: str = ""
    comment: str = ""
    table: Table = ()

    @property
    def value(self) -> str | dict[str, str]:
        """The entry as TOML parsers return it."""
        return dict(self.table) or self.text


def dotted(path: TablePath) -> str:
    """Return a path of keys as TOML, with quotes where a name needs them."""
    return ".".join(name if BARE_KEY.fullmatch(name) else toml_literal(name) for name in path)


def format_list(items: tuple[ListItem, ...], *, one_line: bool) -> str:
    """Return a TOML list; the comments need a line for each item."""
    if one_line:
        return f"[{', '.join(inline_toml(item.value) for item in items)}]"
    return f"[\n{format_lines(items, INDENT)}]"


def format_lines(items: tuple[ListItem, ...], indent: str, *, final_comma: bool = True) -> str:
    """Return a line for each item of a list, with its comment."""
    last = len(items) - 1
    commas = ("," if final_comma or number < last else "" for number in range(len(items)))
    lines = (
        f"{indent}{inline_toml(item.value)}{comma}{_comment(item)}\n"
        for item, comma in zip(items, commas, strict=True)
    )
    return "".join(lines)


def _comment(item: ListItem) -> str:
    # TOML has no control characters in comments, and some of them end a line for Python.
    printable = "".join(letter if letter.isprintable() else " " for letter in item.comment)
    return f"  # {printable}" if item.comment else ""


def inline_toml(value: str | Table | Mapping[str, str]) -> str:
    """Return a text or an inline table as TOML."""
    if isinstance(value, str):
        return toml_literal(value)
    pairs = (f"{dotted((key,))} = {toml_literal(text)}" for key, text in dict(value).items())
    return f"{{ {', '.join(pairs)} }}"
