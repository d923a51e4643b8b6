"""Add tables and list entries to a TOML text, and keep everything else as it is, also comments.

tomlkit extends lists well, but it inserts new keys and tables after the comments that belong to the
next table (0.15.2). So the positions are found here.
"""

import re
import tomllib
from collections.abc import Mapping
from itertools import groupby
from typing import Any

import msgspec

from orbiter.config.mistakes import toml_literal
from resolvers.errors import ExpectedError

TOKEN = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}'  # a string over several lines may end in two more quotes
    r"|'''.*?'{3,5}"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'"
    r"|#[^\n]*"
    r"|\S",
    re.DOTALL,
)
"""A token of a list of strings: a string, a comment or one character."""
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


class Edit(msgspec.Struct, frozen=True, kw_only=True):
    """Entries to append to a list, which is the key ``key`` of the table ``path``.

    A missing table or list is added. Without a key only the table is added. ``one_line`` writes a
    new list on one line. ``value`` is for a key that is a text or an inline table: it is added if
    the key is missing.
    """

    path: TablePath
    key: str = ""
    entries: tuple[ListItem, ...] = ()
    one_line: bool = False
    value: str | Table = ""


class TableSpan(msgspec.Struct, frozen=True, kw_only=True):
    """The position of a table: from the end of its header line to the end of its last key."""

    path: TablePath
    start: int
    end: int


class _ListSpan(msgspec.Struct, frozen=True, kw_only=True):
    """The position of a list and its values.

    ``start`` is after the opening bracket, ``last`` after the last value or comma and ``end`` at
    the closing bracket. ``values`` are texts of TOML: strings and inline tables.
    """

    start: int
    last: int
    end: int
    has_final_comma: bool
    values: tuple[str, ...]


def apply_edits(text: str, edits: tuple[Edit, ...], file: str) -> str:
    """Return the text with all edits.

    Raises ExpectedError with the name of the file if an edited table has no header line, or if an
    edited list is written in a form that this module does not know.
    """
    has_windows_lines = "\r\n" in text
    start = text.replace("\r\n", "\n").rstrip("\n") + "\n"
    # All edits are made twice, in the text and in the data: they must stay the same, because the
    # text may use forms of TOML that this module does not know.
    expected = tomllib.loads(start)
    for edit in edits:
        _apply(expected, edit)
    new = _edited(start, edits)
    if not _reads_as(new, expected):
        raise _first_mistake(start, edits, file)
    return new.replace("\n", "\r\n") if has_windows_lines else new


def _edited(text: str, edits: tuple[Edit, ...]) -> str:
    """Return the text with the edits, or another text if a list or table has an unknown form."""
    # The values of a table are added together: there may be thousands.
    for (path, has_value), group in groupby(edits, lambda edit: (edit.path, bool(edit.value))):
        text = _add_table(text, path)
        try:
            if has_value:
                text = _add_values(text, tuple(group))
                continue
            for edit in group:
                text = _add_entries(text, edit) if edit.key else text
        except (tomllib.TOMLDecodeError, LookupError, TypeError, StopIteration):
            return ""
    return text


def _first_mistake(text: str, edits: tuple[Edit, ...], file: str) -> ExpectedError:
    """Return the error for the first edit that the text does not allow."""
    expected = tomllib.loads(text)
    for edit in edits:
        old, text = text, _edited(text, (edit,))
        _apply(expected, edit)
        if not _reads_as(text, expected):
            return _unknown_form(old, edit, file)
    return _unknown_form(text, edits[-1], file)


def _unknown_form(text: str, edit: Edit, file: str) -> ExpectedError:
    """Return the error for a table or list that cannot be extended."""
    name = ".".join(edit.path)
    if edit.key and any(table.path == edit.path for table in table_spans(text)):
        return ExpectedError(
            f"{file}: the form of {name}.{edit.key} is not known, so it cannot be extended",
            f"write it as a list of strings in the table [{name}]: {edit.key} = [...]",
        )
    return ExpectedError(
        f"{file}: {name} has no header line, so it cannot be extended",
        f"write it as a table with a header line: [{name}]",
    )


def _apply(data: dict[str, Any], edit: Edit) -> None:
    """Make the same edit in parsed data."""
    for name in edit.path:
        data = data.setdefault(name, {})
    if edit.value:
        data.setdefault(edit.key, edit.value if isinstance(edit.value, str) else dict(edit.value))
    elif edit.key:
        data[edit.key] = [*data.get(edit.key, ()), *(entry.value for entry in edit.entries)]


def _reads_as(text: str, expected: dict[str, Any]) -> bool:
    try:
        return tomllib.loads(text) == expected
    except tomllib.TOMLDecodeError:
        return False


def table_spans(text: str) -> tuple[TableSpan, ...]:
    """Return the tables that have a header line."""
    tables: list[TableSpan] = []
    offset = 0
    for line in text.splitlines(keepends=True):
        offset += len(line)
        content = line.strip()
        if path := _header_path(content):
            tables.append(TableSpan(path=path, start=offset, end=offset))
        elif tables and content and not content.startswith("#"):
            tables[-1] = msgspec.structs.replace(tables[-1], end=offset)
    return tuple(tables)


def _header_path(line: str) -> TablePath:
    """Return the path in a line such as ``[image.debian.base]``; () for any other line."""
    if not line.startswith("["):
        return ()
    try:
        data: Any = tomllib.loads(line)
    except tomllib.TOMLDecodeError:
        return ()
    path = []
    while isinstance(data, dict) and data:
        name, data = next(iter(data.items()))
        path.append(name)
    return tuple(path)


def _add_table(text: str, path: TablePath) -> str:
    """Return the text with a header for the table, after its closest relative."""
    tables = table_spans(text)
    if any(table.path == path for table in tables):
        return text
    position = len(text)
    if tables:
        closest = max(tables, key=lambda table: (_common_length(table.path, path), table.end))
        position = _end_with_comments(text, closest, tables)
    before, after = text[:position], text[position:]
    if not before.endswith("\n\n"):
        before += "\n"
    if after and not after.startswith("\n"):
        after = f"\n{after}"
    return f"{before}[{_dotted(path)}]\n{after}"


def _dotted(path: TablePath) -> str:
    return ".".join(name if BARE_KEY.fullmatch(name) else toml_literal(name) for name in path)


def _end_with_comments(text: str, table: TableSpan, tables: tuple[TableSpan, ...]) -> int:
    """Return the end of a table including its comments.

    Comments directly above the header of the next table belong to that table.
    """
    following = [other.start for other in tables if other.start > table.start]
    if not following:
        return len(text)
    end = _line_start(text, min(following) - 1)
    while (start := _line_start(text, end - 1)) >= table.end:
        if not text[start:end].lstrip().startswith("#"):
            break
        end = start
    return end


def _line_start(text: str, position: int) -> int:
    """Return the start of the line whose line break is at or after the position."""
    return text.rfind("\n", 0, position) + 1


def _common_length(one: TablePath, other: TablePath) -> int:
    """Return the number of leading names that two paths share."""
    same = [left == right for left, right in zip(one, other, strict=False)]
    return (*same, False).index(False)


def _add_values(text: str, edits: tuple[Edit, ...]) -> str:
    """Return the text with the values that a table does not have yet."""
    path, data = edits[0].path, tomllib.loads(text)
    for name in path:
        data = data[name]
    # If a key occurs twice, its first value counts.
    new = {edit.key: edit.value for edit in reversed(edits) if edit.key not in data}
    lines = (f"{_dotted((key,))} = {inline_toml(new[key])}\n" for key in reversed(new))
    table = next(table for table in table_spans(text) if table.path == path)
    return text[: table.end] + "".join(lines) + text[table.end :]


def _add_entries(text: str, edit: Edit) -> str:
    # The positions are computed again for each edit, because the edit before moved them.
    table = next(table for table in table_spans(text) if table.path == edit.path)
    key = re.escape(edit.key)
    opening = re.compile(rf"""^([ \t]*)(["']?){key}\2[ \t]*=[ \t]*\[""", re.MULTILINE)
    match = opening.search(text, table.start, table.end)
    if not match:
        written = format_list(edit.entries, one_line=edit.one_line)
        return f"{text[: table.end]}{_dotted((edit.key,))} = {written}\n{text[table.end :]}"
    indent = match[1]
    span = _list_span(text, match.end())
    if "\n" in text[span.start : span.end]:
        return _append_lines(text, span, edit.entries, indent)
    written = _format(span.values, edit.entries, one_line=edit.one_line)
    written = written.replace("\n", f"\n{indent}")
    return text[: span.start - 1] + written + text[span.end + 1 :]


def _list_span(text: str, start: int) -> _ListSpan:
    """Return the list whose opening bracket ends at ``start``."""
    last, end, has_final_comma = start, start, True
    values = []
    table = -1  # the start of the inline table that contains the token
    for token in TOKEN.finditer(text, start):
        if token[0] == "]":
            end = token.start()
            break
        if token[0].startswith("#"):
            continue
        if token[0] == "{":
            table = token.start()
        last, has_final_comma = token.end(), token[0] == "," and table < 0
        if token[0] == "}":
            values.append(text[table:last])
            table = -1
        elif table < 0 and not has_final_comma:
            values.append(toml_literal(tomllib.loads(f"value = {token[0]}")["value"]))
    return _ListSpan(
        start=start, last=last, end=end, has_final_comma=has_final_comma, values=tuple(values)
    )


def _append_lines(text: str, span: _ListSpan, entries: tuple[ListItem, ...], indent: str) -> str:
    """Return the text with entries at the end of a list of several lines."""
    first_entry = re.search(r"\n([ \t]+)[\"'{]", text[span.start : span.end])
    entry_indent = first_entry[1] if first_entry else indent + INDENT
    head = text[: span.last]
    if not span.has_final_comma:
        head += ","
    head += text[span.last : span.end].rstrip()
    return f"{head}\n{_format_lines(entries, entry_indent)}{indent}{text[span.end :]}"


def format_list(entries: tuple[ListItem, ...], *, one_line: bool) -> str:
    """Return a TOML list; the comments need a line for each entry."""
    return _format((), entries, one_line=one_line)


def _format(values: tuple[str, ...], entries: tuple[ListItem, ...], *, one_line: bool) -> str:
    """Return a TOML list of values that are already TOML, and of entries."""
    if one_line:
        return f"[{', '.join([*values, *(inline_toml(entry.value) for entry in entries)])}]"
    lines = "".join(f"{INDENT}{value},\n" for value in values)
    return f"[\n{lines}{_format_lines(entries, INDENT)}]"


def _format_lines(entries: tuple[ListItem, ...], indent: str) -> str:
    return "".join(f"{indent}{_format_entry(entry)}\n" for entry in entries)


def _format_entry(entry: ListItem) -> str:
    # TOML has no control characters in comments, and some of them end a line for Python.
    printable = "".join(letter if letter.isprintable() else " " for letter in entry.comment)
    comment = f"  # {printable}" if entry.comment else ""
    return f"{inline_toml(entry.value)},{comment}"


def inline_toml(value: str | Table | Mapping[str, str]) -> str:
    """Return a text or an inline table as TOML."""
    if isinstance(value, str):
        return toml_literal(value)
    pairs = (f"{_dotted((key,))} = {toml_literal(text)}" for key, text in dict(value).items())
    return f"{{ {', '.join(pairs)} }}"
