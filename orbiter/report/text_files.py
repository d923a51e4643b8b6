"""Blocks of the text report about build files, and about entries that contradict themselves."""

from collections.abc import Iterator
from textwrap import wrap

from orbiter.diff.types import FileChange
from orbiter.report import phrases
from orbiter.report.alarms import Alarm
from orbiter.report.text_table import Painter

LINES = 20
"""Lines of a file that are shown; the others are counted."""

SIGNS = {"added": "+", "removed": "-", "changed": "~", "kept": "!"}
LINE_STYLES = {"+": "green", "-": "red", "@": "dim"}


def alarm_block(alarm: Alarm, width: int, paint: Painter) -> list[str]:
    """Return the lines of an alarm."""
    lines = wrap(f"!! {alarm.title}", width, subsequent_indent="   ")
    block = [paint(line, "alarm") for line in lines]
    for item in alarm.items:
        block += _wrap(phrases.printable(item), width, "  ", "    ")
    return block


def file_block(
    files: tuple[FileChange, ...], width: int, paint: Painter, *, everything: bool
) -> list[str]:
    """Return the changed lines of each file, without those of lists unless all are wanted."""
    changed = [file for file in files if file.kind != "kept"]
    lines = [paint(f"Build files ({len(files):,})", "bold")]
    for file in files:
        if everything or not file.derived:
            lines += _file(file, width, paint, everything=everything)
    lists = [file for file in changed if file.derived]
    if lists and not everything:
        text = f"~ {phrases.count_of(len(lists), 'list')} as the changed packages require"
        parts = _wrap(f"{text} (--all shows them)", width, "  ", "    ")
        lines += [paint(part, "dim") for part in parts]
    return lines


def _file(file: FileChange, width: int, paint: Painter, *, everything: bool) -> Iterator[str]:
    title = f"{SIGNS[file.kind]} {phrases.printable(file.path)}  {phrases.file_counts(file)}"
    yield from _wrap(title, width, "  ", "    ")
    shown = file.lines if everything else file.lines[:LINES]
    for line in shown:
        style = LINE_STYLES.get(line[:1], "")
        for part in _wrap(phrases.printable(line), width, "      ", "        "):
            yield paint(part, style)
    if hidden := len(file.lines) - len(shown):
        rest = f"… and {hidden:,} more lines (--all shows them)"
        yield from (paint(part, "dim") for part in _wrap(rest, width, "      ", "        "))


def _wrap(text: str, width: int, first: str, others: str) -> list[str]:
    # The indentation of a line of code is part of it.
    code = text.lstrip(" ")
    indent = first + " " * min(len(text) - len(code), width // 2)
    return wrap(
        code, width, initial_indent=indent, subsequent_indent=others, break_on_hyphens=False
    ) or [""]
