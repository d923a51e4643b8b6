"""Here-documents of shell scripts. Pure."""

import io
import re
from collections.abc import Iterable, Iterator


def here_documents(script: str, start: re.Pattern[str]) -> Iterator[tuple[re.Match[str], str]]:
    """Yield the match and the text of each here-document whose first line matches ``start``.

    The group ``end`` of the match is the word that ends the text. Each line is read once, so a
    script with many starts and no ends takes linear time too.
    """
    lines = io.StringIO(script)
    for line in lines:
        if match := start.search(line):
            yield match, "".join(_until(lines, match["end"]))


def _until(lines: Iterable[str], end: str) -> Iterator[str]:
    for line in lines:
        if line.rstrip("\n") == end:
            return
        yield line
