"""Tables of an images.toml as the text of one, with what became of the file that they come from as comments. Pure."""

from collections.abc import Iterator, Mapping
from textwrap import wrap

import msgspec

from orbiter.config.mistakes import toml_literal
from orbiter.config.toml_edit import ListItem
from orbiter.convert.outcome import Note

WIDTH = 118
ONE_LINE = 100
"""The longest list that stands on one line."""

Value = str | int | tuple[ListItem, ...]


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """A table: its path ("" for the top of the file) and its keys in order; empty texts and lists count as none."""

    path: str
    values: Mapping[str, Value]


def text(head: str, tables: tuple[Table, ...], notes: tuple[Note, ...]) -> str:
    """The text of images.toml below a comment; the notes on a table stand above it."""
    paths = {table.path for table in tables}
    lines = [*_comment(head)]
    lines += [
        line for note in notes if note.table not in paths - {""} for line in _comment(str(note))
    ]
    for table in tables:
        own = [note for note in notes if table.path and note.table == table.path]
        lines += ["", *_table(table, own)]
    return "\n".join(lines) + "\n"


def _table(table: Table, notes: list[Note]) -> Iterator[str]:
    for note in notes:
        yield from _comment(f"{note.kind}: {note.what}: {note.why}")
    if table.path:
        yield f"[{table.path}]"
    for key, value in table.values.items():
        if value not in ("", ()):
            yield f"{key} = {_value(value, len(key))}"


def _value(value: Value, indent: int) -> str:
    if not isinstance(value, tuple):
        return toml_literal(value)
    line = f"[{', '.join(toml_literal(each.text) for each in value)}]"
    if indent + len(line) <= ONE_LINE and not any(each.comment for each in value):
        return line
    return "\n".join(
        ["[", *(f"    {toml_literal(each.text)},{_behind(each)}" for each in value), "]"]
    )


def _behind(entry: ListItem) -> str:
    return f"  # {entry.comment}" if entry.comment else ""


def _comment(words: str) -> list[str]:
    printable = "".join(each if each.isprintable() else " " for each in words)
    return wrap(
        printable, WIDTH, initial_indent="# ", subsequent_indent="#   ", break_long_words=False
    )
