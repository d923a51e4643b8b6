"""Edit entries of lists in a TOML text, and keep every other byte. Pure.

Positions come from ``value_spans``, so lists may also be in inline tables or below dotted keys.
Removing an entry is the inverse of appending it.
"""

from collections.abc import Mapping

from orbiter.config.lines import Span, value_spans
from orbiter.config.mistakes import key_path, toml_literal
from orbiter.config.toml_edit import INDENT, TablePath, table_spans
from resolvers.errors import ExpectedError

MAX_LINE = 88
"""The longest line for a new list; a longer one has a line for each entry."""


def replace_value(text: str, path: str, value: str) -> str:
    """Return the text with a string in place of the value at a path."""
    span = value_spans(text)[path]
    return text[: span.start] + toml_literal(value) + text[span.end :]


def append_entry(text: str, path: str, value: str) -> str:
    """Return the text with a string at the end of the list at a path, in the list's own form."""
    spans = value_spans(text)
    literal = toml_literal(value)
    entries = _entries(spans, path)
    if not entries:
        return _insert_first(text, spans[path], literal)
    last = entries[-1]
    if not _starts_line(text, last.start):
        return f"{text[: last.end]}, {literal}{text[last.end :]}"
    indent = text[_line_start(text, last.start) : last.start]
    comma = _comma_after(text, last.end)
    line_end = text.find("\n", max(comma, last.end))
    if not _ends_line(text, max(comma + 1, last.end)):
        return f"{text[: last.end]},{_line_break(text)}{indent}{literal}{text[last.end :]}"
    head = text[: line_end + 1]
    if comma < 0:
        head = f"{text[: last.end]},{text[last.end : line_end + 1]}"
    final_comma = "," if comma >= 0 else ""
    return f"{head}{indent}{literal}{final_comma}{_line_break(text)}{text[line_end + 1 :]}"


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
    literals = [toml_literal(value) for value in values]
    line = f"{key} = [{', '.join(literals)}]"
    if len(line) > MAX_LINE:
        entries = "".join(f"{INDENT}{literal},{line_break}" for literal in literals)
        line = f"{key} = [{line_break}{entries}]"
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


def _insert_first(text: str, span: Span, literal: str) -> str:
    """Return the text with the first entry of an empty list, which may contain comments."""
    closing = span.end - 1
    if _starts_line(text, closing) and "\n" in text[span.start : closing]:
        start = _line_start(text, closing)
        indent = text[start:closing] + INDENT
        return f"{text[:start]}{indent}{literal},{_line_break(text)}{text[start:]}"
    return f"{text[: span.start + 1]}{literal}{text[span.start + 1 :]}"


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
