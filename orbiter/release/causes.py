"""Likely causes of a difference between a built image and its release."""

import re

from orbiter.lockset.record import RecordedBuilder
from orbiter.release.entries import EntryDifference, relative_path

Builders = tuple[RecordedBuilder, RecordedBuilder]
"""The builder of the release, and the current one."""

CAUSES = (
    (
        re.compile(r"(^|/)__pycache__(/|$)|\.py[co]$"),
        "byte-code: Python compiled it during the build",
    ),
    (
        re.compile(r"^var/log(/|$)|\.log(\.\d+)?$"),
        "log: a step wrote it, and it contains the time or a name",
    ),
    (re.compile(r"^var/cache(/|$)|(^|/)\.?cache(/|$)|[.-]cache$"), "cache: a step left it behind"),
    (
        re.compile(r"^(etc|var|run|boot)(/|$)"),
        "package script: scripts of packages or a step wrote it",
    ),
)
"""Causes by the path of the first differing file."""
TIME_CAUSE = (
    "time stamp: a step sets it from the clock, or the build cache has another one "
    "(--no-cache rebuilds everything)"
)
STEP_CAUSE = "a step of the stage that writes other bytes each time"
RECORD_CAUSE = "the record itself was changed"


def likely_cause(difference: EntryDifference, builders: Builders) -> str:
    """Return the likely cause of a difference, beginning with its kind."""
    other_builder = builder_cause(builders)
    if difference.change == "time":
        return other_builder or TIME_CAUSE
    path = relative_path(difference.path)
    causes = (cause for pattern, cause in CAUSES if pattern.search(path))
    return next(causes, other_builder or STEP_CAUSE)


def builder_cause(builders: Builders) -> str:
    """Return the cause "builder version"; empty if both builders are the same version."""
    released, current = builders
    if (released.buildkit, released.engine) == (current.buildkit, current.engine):
        return ""
    return f"builder version: {format_versions(builders)}"


def format_versions(builders: Builders) -> str:
    """Return the versions of both builders for people."""
    released, current = builders
    return f"released with {released}, built now with {current}"
