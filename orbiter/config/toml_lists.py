"""Edit entries of lists in a TOML text, and keep every other byte. Pure.

Positions come from ``value_spans``, so lists may also be in inline tables or below dotted keys.
Removing an entry is the inverse of appending it.
"""

from collections.abc import Mapping

from orbiter.config.lines import Span, value_spans
from orbiter.config.mistakes import key_path, toml_literal
from orbiter.config.toml_format import (
    INDENT,
    ListItem,
    TablePath,
    format_lines,
    format_list,
    inline_toml,
)
from orbiter.config.toml_tables import table_spans
from resolvers.errors import ExpectedError

MAX_LINE = 88
"""The longest line for a new list; a longer one has a line for each entry."""


def replace_value(text: str, path: str, value: str) -> str:
    """Return the text with a string in place of the value at a path."""
    span = value_spans(text)[path]
    return text[: span.start] + toml_literal(value) + text[span.end :]


def append_items(text: str, path: str, items: tuple[ListItem, ...]) -> str:
    """Return the text with items at the end of the list at a path, in the list's own form.

    Items with comments get lines of their own.
    """
    if not items:
        return text
    has_comments = any(item.comment for item in items)
    if has_comments:
        text = on_lines(text, path)
    spans = value_spans(text)
    entries = _entries(spans, path)
    if not entries:
        return _insert_first(text, spans[path], items)
    last = entries[-1]
    if has_comments or _starts_line(text, last.start):
        return _append_lines(text, last, items)
    return f"{text[: last.end]}, {_in_line(items)}{text[last.end :]}"


def on_lines(text: str, path: str) -> str:
    """Return the text with a line for each entry of the list at a path, if it has one line."""
    spans = value_spans(text)
    start, end = spans[path].start, spans[path].end
    if "\n" in text[start:end]:
        return text
    line_break = f"{_line_break(text)}{_indent(text, start)}"
    literals = (text[entry.start : entry.end] for entry in _entries(spans, path))
    lines = "".join(f"{line_break}{INDENT}{literal}," for literal in literals)
    return f"{text[:start]}[{lines}{line_break}]{text[end:]}"


def remove_entry(text: str, path: str, index: int) -> str:
    """Return the text without an entry of the list at a path.

    The comment on the line of the entry goes with it. The key goes too if the list is then empty,
    unless the list has comments or is in an inline table.
    """
    new = _without_entry(text, _entries(value_spans(text), path), index)
    span = value_spans(new)[path]
    is_empty = not new[span.start + 1 : span.end - 1].strip()
    if is_empty and _starts_line(new, span.key) and _is_blank_to_end(new, span.end):
        return _without_lines(new, span.key, span.end)
    return new


def add_list(text: str, table: TablePath, key: str, values: tuple[str, ...], file: str) -> str:
    """Return the text with a new list at the end of a table.

    Raises ExpectedError with the name of the file if the table has no header line.
    """
    span = next((each for each in table_spans(text) if each.path == table), None)
    if span is None:
        name = ".".join(table)
        raise ExpectedError(
            f"{file}: {name} has no header line, so {key} cannot be added to it",
            f"write it as a table with a header line: [{name}]",
        )
    line_break = _line_break(text)
    items = tuple(ListItem(text=value) for value in values)
    line = f"{key} = {format_list(items, one_line=True)}"
    if len(line) > MAX_LINE:
        line = f"{key} = {format_list(items, one_line=False)}".replace("\n", line_break)
    head, tail = text[: span.end], text[span.end :]
    return f"{head}{line}{line_break}{tail}" if head.endswith("\n") else f"{head}{line_break}{line}"


def list_path(table: TablePath, key: str) -> str:
    """Return the path of a key, as mistakes and ``value_spans`` spell it."""
    path = ""
    for name in (*table, key):
        path = key_path(path, name)
    return path


def _entries(spans: Mapping[str, Span], path: str) -> list[Span]:
    found: list[Span] = []
    while span := spans.get(f"{path}[{len(found)}]"):
        found.append(span)
    return found


def _insert_first(text: str, span: Span, items: tuple[ListItem, ...]) -> str:
    """Return the text with the first items of an empty list, which may contain comments."""
    closing = span.end - 1
    if _starts_line(text, closing) and "\n" in text[span.start : closing]:
        start = _line_start(text, closing)
        lines = _lines(text, items, _indent(text, closing) + INDENT)
        return f"{text[:start]}{lines}{text[start:]}"
    return f"{text[: span.start + 1]}{_in_line(items)}{text[span.start + 1 :]}"


def _append_lines(text: str, last: Span, items: tuple[ListItem, ...]) -> str:
    """Return the text with a line for each item below the last entry of a list."""
    indent = _indent(text, last.start)
    comma = _comma_after(text, last.end)
    after = max(comma + 1, last.end)
    has_comma = comma >= 0
    if not _ends_line(text, after):
        head = text[:after] if has_comma else f"{text[:after]},"
        return f"{head}{_before_bracket(text, after, items, indent, final_comma=has_comma)}"
    line_end = text.find("\n", after) + 1
    head = text[:line_end]
    if not has_comma:
        head = f"{text[: last.end]},{text[last.end : line_end]}"
    lines = _lines(text, items, indent, final_comma=has_comma)
    return f"{head}{lines}{text[line_end:]}"


def _before_bracket(
    text: str, after: int, items: tuple[ListItem, ...], indent: str, *, final_comma: bool
) -> str:
    """Return lines for items, and the text from the closing bracket that follows ``after``."""
    line_break = _line_break(text)
    if items[-1].comment:
        return f"{line_break}{_lines(text, items, indent)}{indent}{text[after:].lstrip()}"
    lines = _lines(text, items, indent, final_comma=final_comma).removesuffix(line_break)
    return f"{line_break}{lines}{text[after:]}"


def _in_line(items: tuple[ListItem, ...]) -> str:
    return ", ".join(inline_toml(item.value) for item in items)


def _indent(text: str, position: int) -> str:
    """Return the blanks at the start of the line."""
    line = text[_line_start(text, position) : position]
    return line[: len(line) - len(line.lstrip())]


def _lines(text: str, items: tuple[ListItem, ...], indent: str, *, final_comma: bool = True) -> str:
    lines = format_lines(items, indent, final_comma=final_comma)
    return lines.replace("\n", _line_break(text))


def _without_entry(text: str, entries: list[Span], index: int) -> str:
    _, start, end = entries[index]
    comma = _comma_after(text, end)
    after = max(comma + 1, end)
    is_alone = _starts_line(text, start) and _ends_line(text, after)
    is_last = index > 0 and index == len(entries) - 1
    before = _comma_after(text, entries[index - 1].end) if is_last else 0
    if is_last and not is_alone and not text[before + 1 : start].strip():
        return text[:before] + text[end:]
    new = text[: _line_start(text, start)] + text[text.find("\n", after) + 1 :]
    if not is_alone:
        new = text[: _cut_start(text, start, after)] + text[_cut_end(text, after) :]
    if is_last and comma < 0:
        # The list has no comma at its end, so the entry before must not have one either.
        return new[:before] + new[before + 1 :]
    return new


def _cut_start(text: str, start: int, after: int) -> int:
    """Return where to cut before an entry: without the blanks if none can go behind it."""
    if _cut_end(text, after) > after or text[start - 1] == "[":
        return start
    return len(text[:start].rstrip(" \t"))


def _cut_end(text: str, after: int) -> int:
    """Return the start of the next entry on the same line, else ``after``."""
    position = after
    while text[position] in " \t":
        position += 1
    return after if text[position] in "]\r\n#" else position


def _without_lines(text: str, start: int, end: int) -> str:
    """Return the text without the lines from one position to another."""
    first = _line_start(text, start)
    line_break = text.find("\n", end)
    if line_break >= 0:
        return text[:first] + text[line_break + 1 :]
    return text[:first].removesuffix("\n").removesuffix("\r")


def _comma_after(text: str, position: int) -> int:
    """Return the position of the comma that follows an entry, -1 if the list ends first."""
    while text[position] != ",":
        if text[position] == "]":
            return -1
        position = text.index("\n", position) if text[position] == "#" else position + 1
    return position


def _line_start(text: str, position: int) -> int:
    return text.rfind("\n", 0, position) + 1


def _starts_line(text: str, position: int) -> bool:
    return not text[_line_start(text, position) : position].strip()


def _rest_of_line(text: str, position: int) -> str:
    return text[position:].partition("\n")[0].strip()


def _ends_line(text: str, position: int) -> bool:
    """Return whether only a comment follows on the line."""
    rest = _rest_of_line(text, position)
    return not rest or rest.startswith("#")


def _is_blank_to_end(text: str, position: int) -> bool:
    return not _rest_of_line(text, position)


def _line_break(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"
