"""Likely causes of a difference between a built image and its release."""

import re

from orbiter.lockset.record import RecordedBuilder
from orbiter.release.entries import relative_path

Builders = tuple[RecordedBuilder, RecordedBuilder]
"""The builder of the release, and the current one."""

CAUSES = (
    (
        re.compile(r"(^|/)__pycache__(/|$)|\.py[co]$"),
        "byte-code: Python compiled it during the build",
    ),
    (
        re.compile(r"\.log(\.\d+)?$"),
        "log: a step wrote it, and it contains the time or a name",
    ),
    (re.compile(r"(^|/)\.?cache(/|$)|[.-]cache$"), "cache: a step left it behind"),
    (
        re.compile(r"^(etc|var|run|boot)(/|$)"),
        "package script: scripts of packages or a step wrote it",
    ),
)
"""Causes by the path of the first differing file."""
STEP_CAUSE = "a step of the stage that writes other bytes each time"
RECORD_CAUSE = "the record itself was changed"


def likely_cause(path: str) -> str:
    """Return the likely cause of a difference in a file, beginning with its kind."""
    path = relative_path(path)
    causes = (cause for pattern, cause in CAUSES if pattern.search(path))
    return next(causes, STEP_CAUSE)


def other_builder(builders: Builders) -> str:
    """Return the versions of both builders for people; empty if they are the same.

    Another builder makes the same layers of the same files, but a command may behave differently.
    """
    released, current = builders
    if (released.buildkit, released.engine) == (current.buildkit, current.engine):
        return ""
    return f"released with {released}, built now with {current}"


def compressions(builders: Builders) -> str:
    """Return the libraries that compressed the layers, for people."""
    released, current = (builder.compression or "an unknown library" for builder in builders)
    return f"released with {released}, compressed now with {current}"
