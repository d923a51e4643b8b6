"""The comments of list entries in a YAML text, which YAML parsers drop."""

import re
from collections.abc import Iterator

LIST_ENTRY = re.compile(
    r"""
    ^[ \t]* -[ ]+
    (?P<quote>["']?) (?P<text>.*?) (?P=quote)
    (?:[ \t]+ \#[ \t]* (?P<comment>.*?))?
    [ \t]*\r?$
    """,
    re.MULTILINE | re.VERBOSE,
)


def entry_comments(text: str) -> Iterator[tuple[str, str]]:
    """Yield each list entry with the comment on its line, "" for none."""
    for match in LIST_ENTRY.finditer(text):
        yield match["text"], match["comment"] or ""
