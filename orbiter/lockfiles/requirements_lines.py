"""Logical lines of a requirements.txt, with their comments."""

import re
from collections.abc import Iterator

import msgspec

COMMENT = re.compile(r"(?:^|\s)#")


class LogicalLine(msgspec.Struct):
    """A logical line, the number of its first line, and the comments on and directly below it.

    ``is_truncated`` is True if the file ends with a backslash.
    """

    number: int
    text: str
    comments: list[str]
    is_truncated: bool = False


def logical_lines(text: str) -> Iterator[LogicalLine]:
    """Yield the logical lines; like in pip, a comment ends a continued line."""
    line: LogicalLine | None = None
    parts: list[str] = []
    for number, raw in enumerate(text.removesuffix("\n").split("\n"), 1):
        code, comment, is_continued = _split_comment(raw)
        if line and not parts and (code or not raw.strip()):
            yield line
            line = None
        if code or parts:
            line = line or LogicalLine(number, "", [])
            parts.append(code)
            if not is_continued:
                line.text, parts = _join(parts), []
        if line and comment is not None:
            line.comments.append(comment)
    if line and parts:
        line.text, line.is_truncated = _join(parts), True
    if line:
        yield line


def _split_comment(raw: str) -> tuple[str, str | None, bool]:
    """Return the code and the comment of a line, and whether the next line continues it."""
    start = COMMENT.search(raw)
    if start:
        return raw[: start.start()].removesuffix("\\").strip(), raw[start.end() :], False
    return raw.removesuffix("\\").strip(), None, raw.endswith("\\")


def _join(parts: list[str]) -> str:
    return " ".join(filter(None, parts))
