"""Conflict markers that git leaves in a file when a merge stops. Pure."""

import re

MARKERS = "contains conflict markers of a merge (<<<<<<<, =======, >>>>>>>)"
"""The problem of a file, for messages."""
MARKER = re.compile(rb"^(<{7}|>{7}) ", re.MULTILINE)


def conflict_line(content: bytes) -> int:
    """Return the line of the first conflict marker, or 0 if there is none."""
    match = MARKER.search(content)
    if not match:
        return 0
    return content.count(b"\n", 0, match.start()) + 1
