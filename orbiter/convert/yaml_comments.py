"""The comments of list entries in a YAML text, which YAML parsers drop."""

import re
from collections.abc import Iterator

LIST_ENTRY = re.compile(r"^[ \t]*-[ ]++(.*)$", re.MULTILINE)
QUOTED = re.compile(r"(?P<quote>[\"'])(?P<text>.*?)(?P=quote)(?=$|[ \t]+#)")
COMMENT = re.compile(r"(?<![ \t])[ \t]+#")


def entry_comments(text: str) -> Iterator[tuple[str, str]]:
    """Yield each list entry with the comment on its line, "" for none."""
    for match in LIST_ENTRY.finditer(text):
        yield _split(match[1].rstrip(" \t\r"))


def _split(entry: str) -> tuple[str, str]:
    """Return the text of a list entry without quotes, and its comment."""
    quoted = QUOTED.match(entry)
    if quoted:
        return quoted["text"], entry[quoted.end() :].lstrip(" \t").removeprefix("#").lstrip(" \t")
    text, *comment = COMMENT.split(entry, maxsplit=1)
    return text, "".join(comment).lstrip(" \t")
