"""Tables and entries of lists added to a TOML text, of which all else stays as it is, comments too. Pure.

(tomlkit would put what it adds to a table below the comment of the table that follows.)
"""

import re
import tomllib
from typing import Any

import msgspec

from orbiter.config.mistakes import toml_literal
from resolvers.errors import ExpectedError

TOKEN = re.compile(r'"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'|#[^\n]*|\S')
"""What a list of texts is made of."""
INDENT = "    "
Path = tuple[str, ...]


class ListItem(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of a list, with the comment that stands behind it."""

    text: str
    comment: str = ""


class Edit(msgspec.Struct, frozen=True, kw_only=True):
    """Entries for the end of a list: the path of its table, its key, and whether a new list stands on one line.

    The table and the list are added where they are missing; without a key it is the table alone.
    """

    path: Path
    key: str = ""
    entries: tuple[ListItem, ...] = ()
    one_line: bool = False


class _Table(msgspec.Struct, frozen=True, kw_only=True):
    """Where a table stands in the text: behind the line of its header, up to the end of its last key."""

    path: Path
    start: int
    end: int


class _List(msgspec.Struct, frozen=True, kw_only=True):
    """Where a list stands: behind its bracket, behind its last value or comma, at its closing bracket; its values."""

    start: int
    last: int
    end: int
    comma: bool
    values: tuple[str, ...]


def apply_edits(text: str, edits: tuple[Edit, ...], file: str) -> str:
    """The text with all edits. Raises ExpectedError, naming the file, where a table there has no header line."""
    windows = "\r\n" in text
    new = text.replace("\r\n", "\n").rstrip("\n") + "\n"
    wanted = tomllib.loads(new)
    for edit in edits:
        new = _with_table(new, edit.path)
        new = _with_entries(new, edit) if edit.key else new
        _apply(wanted, edit)
        if not _reads_as(new, wanted):
            name = ".".join(edit.path)
            raise ExpectedError(
                f"{file}: {name} cannot be added to as it is written",
                f"give it a line of its own: [{name}]",
            )
    return new.replace("\n", "\r\n") if windows else new


def _apply(data: dict[str, Any], edit: Edit) -> None:
    for part in edit.path:
        data = data.setdefault(part, {})
    if edit.key:
        data[edit.key] = [*data.get(edit.key, ()), *(entry.text for entry in edit.entries)]


def _reads_as(text: str, wanted: dict[str, Any]) -> bool:
    try:
        return tomllib.loads(text) == wanted
    except tomllib.TOMLDecodeError:
        return False


def _tables(text: str) -> tuple[_Table, ...]:
    """The tables that have a header line."""
    found: list[_Table] = []
    offset = 0
    for line in text.splitlines(keepends=True):
        offset += len(line)
        words = line.strip()
        if path := _header(words):
            found.append(_Table(path=path, start=offset, end=offset))
        elif found and words and not words.startswith("#"):
            found[-1] = msgspec.structs.replace(found[-1], end=offset)
    return tuple(found)


def _header(line: str) -> Path:
    """The path of a line such as ``[image.debian.base]``; () for any other line."""
    if not line.startswith("["):
        return ()
    try:
        data: Any = tomllib.loads(line)
    except tomllib.TOMLDecodeError:
        return ()
    path = []
    while isinstance(data, dict) and data:
        key, data = next(iter(data.items()))
        path.append(key)
    return tuple(path)


def _with_table(text: str, path: Path) -> str:
    """The text with a header for the table: behind the last one of those that have most of its path.

    Comments that stand right above the header of the next table are of that one, all others of the table before.
    """
    tables = _tables(text)
    if any(table.path == path for table in tables):
        return text
    near = max(tables, key=lambda table: (_common(table.path, path), table.end), default=None)
    place = _end(text, near, tables) if near else len(text)
    name = ".".join(
        part if re.fullmatch("[A-Za-z0-9_-]+", part) else toml_literal(part) for part in path
    )
    before = "" if text[:place].endswith("\n\n") else "\n"
    after = "\n" if text[place:] and not text[place:].startswith("\n") else ""
    return f"{text[:place]}{before}[{name}]\n{after}{text[place:]}"


def _end(text: str, table: _Table, tables: tuple[_Table, ...]) -> int:
    """Where what is said of a table ends, comments too."""
    following = min((each.start for each in tables if each.start > table.start), default=0)
    if not following:
        return len(text)
    end = text.rindex("\n", 0, following - 1) + 1
    while (line := text.rfind("\n", 0, end - 1) + 1) >= table.end and text[
        line:end
    ].lstrip().startswith("#"):
        end = line
    return end


def _common(one: Path, other: Path) -> int:
    same = [left == right for left, right in zip(one, other, strict=False)]
    return (*same, False).index(False)


def _with_entries(text: str, edit: Edit) -> str:
    table = next(each for each in _tables(text) if each.path == edit.path)
    start = re.compile(rf"""^([ \t]*)(["']?){re.escape(edit.key)}\2[ \t]*=[ \t]*\[""", re.MULTILINE)
    found = start.search(text, table.start, table.end)
    if not found:
        return f"{text[: table.end]}{edit.key} = {_written(edit.entries, one_line=edit.one_line)}\n{text[table.end :]}"
    there = _list(text, found.end())
    if "\n" in text[there.start : there.end]:
        return _more_lines(text, there, edit.entries, found[1])
    entries = (*(ListItem(text=value) for value in there.values), *edit.entries)
    written = _written(entries, one_line=edit.one_line).replace("\n", f"\n{found[1]}")
    return text[: there.start - 1] + written + text[there.end + 1 :]


def _written(entries: tuple[ListItem, ...], *, one_line: bool) -> str:
    """A new list: one entry a line, or all on one."""
    if one_line:
        return f"[{', '.join(toml_literal(entry.text) for entry in entries)}]"
    return "[\n" + _lines(entries, INDENT) + "]"


def _lines(entries: tuple[ListItem, ...], indent: str) -> str:
    return "".join(f"{indent}{toml_literal(each.text)},{_comment(each)}\n" for each in entries)


def _comment(entry: ListItem) -> str:
    return f"  # {entry.comment}" if entry.comment else ""


def _list(text: str, start: int) -> _List:
    """The list whose opening bracket ends at ``start``."""
    last, end, comma = start, start, True
    values = []
    for token in TOKEN.finditer(text, start):
        if token[0] == "]":
            end = token.start()
            break
        if not token[0].startswith("#"):
            last, comma = token.end(), token[0] == ","
            values += [] if comma else [tomllib.loads(f"value = {token[0]}")["value"]]
    return _List(start=start, last=last, end=end, comma=comma, values=tuple(values))


def _more_lines(text: str, there: _List, entries: tuple[ListItem, ...], outer: str) -> str:
    """A list of several lines, with more at its end."""
    body = text[there.start : there.end]
    own = re.search(r"\n([ \t]+)[\"']", body)
    head = text[: there.last] + ("" if there.comma else ",") + text[there.last : there.end].rstrip()
    return f"{head}\n{_lines(entries, own[1] if own else outer + INDENT)}{outer}{text[there.end :]}"
