"""Find and add tables in a TOML text, and keep every other byte. Pure."""

import tomllib
from typing import Any

import msgspec

from orbiter.config.toml_format import TablePath, dotted


class TableSpan(msgspec.Struct, frozen=True, kw_only=True):
    """The position of a table: from the end of its header line to the end of its last key."""

    path: TablePath
    start: int
    end: int


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


def add_table(text: str, path: TablePath) -> str:
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
    return f"{before}[{dotted(path)}]\n{after}"


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
