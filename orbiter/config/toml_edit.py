"""Add tables and list entries to a TOML text, and keep everything else as it is, also comments.

tomlkit extends lists well, but it inserts new keys and tables after the comments that belong to the
next table (0.15.2). So the positions are found here.
"""

import tomllib
from itertools import groupby
from typing import Any

import msgspec

from orbiter.config.lines import value_spans
from orbiter.config.toml_format import ListItem, Table, TablePath, dotted, format_list, inline_toml
from orbiter.config.toml_lists import append_items, list_path, on_lines
from orbiter.config.toml_tables import add_table, table_spans
from resolvers.errors import ExpectedError


class Edit(msgspec.Struct, frozen=True, kw_only=True):
    """Entries to append to a list, which is the key ``key`` of the table ``path``.

    A missing table or list is added. Without a key only the table is added. ``one_line`` writes a
    list without comments on one line. ``value`` is for a key that is a text or an inline table: it
    is added if the key is missing.
    """

    path: TablePath
    key: str = ""
    entries: tuple[ListItem, ...] = ()
    one_line: bool = False
    value: str | Table = ""


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
        text = add_table(text, path)
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


def _add_values(text: str, edits: tuple[Edit, ...]) -> str:
    """Return the text with the values that a table does not have yet."""
    path, data = edits[0].path, tomllib.loads(text)
    for name in path:
        data = data[name]
    # If a key occurs twice, its first value counts.
    new = {edit.key: edit.value for edit in reversed(edits) if edit.key not in data}
    lines = (f"{dotted((key,))} = {inline_toml(new[key])}\n" for key in reversed(new))
    table = next(table for table in table_spans(text) if table.path == path)
    return text[: table.end] + "".join(lines) + text[table.end :]


def _add_entries(text: str, edit: Edit) -> str:
    # The positions are computed again for each edit, because the edit before moved them.
    table = next(table for table in table_spans(text) if table.path == edit.path)
    keys = _with_entries(text[table.start : table.end], edit)
    return text[: table.start] + keys + text[table.end :]


def _with_entries(keys: str, edit: Edit) -> str:
    """Return the keys of a table with the entries of a list."""
    path = list_path((), edit.key)
    if path not in value_spans(keys):
        written = format_list(edit.entries, one_line=edit.one_line)
        return f"{keys}{dotted((edit.key,))} = {written}\n"
    return append_items(keys if edit.one_line else on_lines(keys, path), path, edit.entries)
