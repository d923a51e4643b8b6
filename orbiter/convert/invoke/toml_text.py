"""Write tables of images.toml, with notes on the import as comments above them."""

from collections.abc import Iterable, Iterator, Mapping
from textwrap import wrap

import msgspec

from orbiter.config.mistakes import toml_literal
from orbiter.config.toml_format import ListItem, format_list
from orbiter.convert.outcome import Note

COMMENT_WIDTH = 118
LIST_WIDTH = 100
"""The maximum width of a list on one line, with its key."""

Value = str | int | tuple[ListItem, ...]


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """A table: its path ("" for the top of the file) and its keys in order.

    Empty strings and lists are not written.
    """

    path: str
    values: Mapping[str, Value]


def images_toml(head: str, tables: tuple[Table, ...], notes: tuple[Note, ...]) -> str:
    """Return the text of images.toml; the notes on a table are comments above it."""
    paths = {table.path for table in tables if table.path}
    lines = _comment(head)
    for note in notes:
        if note.table not in paths:
            lines += _comment(str(note))
    for table in tables:
        own = [note for note in notes if table.path and note.table == table.path]
        lines += ["", *_table_lines(table, own)]
    return "\n".join(lines) + "\n"


def _table_lines(table: Table, notes: Iterable[Note]) -> Iterator[str]:
    for note in notes:
        yield from _comment(f"{note.kind}: {note.what}: {note.why}")
    if table.path:
        yield f"[{table.path}]"
    for key, value in table.values.items():
        if value not in ("", ()):
            yield f"{key} = {_format(value, len(key))}"


def _format(value: Value, key_width: int) -> str:
    if not isinstance(value, tuple):
        return toml_literal(value)
    line = format_list(value, one_line=True)
    has_comments = any(item.comment for item in value)
    fits = key_width + len(line) <= LIST_WIDTH
    return line if fits and not has_comments else format_list(value, one_line=False)


def _comment(text: str) -> list[str]:
    printable = "".join(letter if letter.isprintable() else " " for letter in text)
    return wrap(
        printable,
        COMMENT_WIDTH,
        initial_indent="# ",
        subsequent_indent="#   ",
        break_long_words=False,
    )
