"""Markdown as GitHub renders it: tables, code and escaped text. Pure."""

import re
from collections.abc import Sequence
from itertools import compress

from orbiter.report import phrases

MAX_TEXT = 300
"""Characters of a text from a lock, which could have any length."""

MARKUP = re.compile(r"[\\`*_\[\]<>|~&$]|^[-+#=]")

LINK = re.compile(r"[@#](?=\w)|:(?=//)|www(?=\.)", re.IGNORECASE)
"""Text that GitHub turns into a link or a mention, unless a zero-width space follows."""

BACKTICKS = re.compile(r"`+")


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Render a table without its empty columns."""
    used = [any(cells) for cells in zip(*rows, strict=True)]
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(compress(line, used))} |\n" for line in lines)


def cell(text: str) -> str:
    """Render a code span in a table, where a bar needs an escape even within code.

    GitHub reads two backslashes before a bar as an escaped backslash.
    """
    return code(text.replace("\\|", "\\ |")).replace("|", "\\|")


def code(text: str) -> str:
    """Render a code span, in which GitHub interprets nothing."""
    if not text:
        return ""
    content = phrases.printable(clip(text))
    quotes = fence(content, 1)
    return f"{quotes} {content} {quotes}" if "`" in content else f"{quotes}{content}{quotes}"


def text(text: str) -> str:
    """Escape text, so that GitHub interprets nothing and creates no links or mentions."""
    escaped = MARKUP.sub(r"\\\g<0>", phrases.printable(clip(text)))
    return LINK.sub("\\g<0>\u200b", escaped)


def clip(text: str) -> str:
    """Return the beginning of a text that is too long."""
    return text if len(text) <= MAX_TEXT else f"{text[: MAX_TEXT - 1]}…"


def fence(text: str, minimum: int) -> str:
    """Return more backticks than any sequence in a text has."""
    longest = max(map(len, BACKTICKS.findall(text)), default=0)
    return "`" * max(minimum, longest + 1)
