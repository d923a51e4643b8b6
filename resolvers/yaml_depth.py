"""Depth of YAML texts: the parser overflows its stack on thousands of levels."""

import re

DEEP_NESTING = re.compile(r"\n[-?: ]{120}")
"""Nesting deeper than in any file that people or managers write."""


def deep_position(text: str) -> int | None:
    """Return the position of a line that is nested too deeply to be parsed; None without one."""
    # With a line break before it, the first line matches, too.
    deep = DEEP_NESTING.search(f"\n{text}")
    return deep.start() if deep else None
