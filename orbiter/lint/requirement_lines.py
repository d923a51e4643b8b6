"""Lines of a requirements.txt: requirements without a version, and options."""

from collections.abc import Iterator

from orbiter.lint.types import Finding
from orbiter.lockfiles.document import without_credentials
from orbiter.lockfiles.requirements import (
    HASH,
    INCLUDES,
    INDEXES,
    NAME_AND_URL,
    OPTION,
    PINNED,
    URL_OR_PATH,
    split_hashes,
)
from orbiter.lockfiles.requirements_lines import LogicalLine, logical_lines

OTHER_INDEXES = INDEXES | {"f", "find-links"}
NO_CERTIFICATE = frozenset({"trusted-host"})


def find_in_requirements(text: str) -> Iterator[Finding]:
    """Yield requirements without an exact version, and options that change the index."""
    for line in logical_lines(text):
        if option := OPTION.match(line.text):
            yield from _option(option["key"], (option["value"] or "").strip(), line.number)
        elif not _is_pinned(line):
            requirement = HASH.split(line.text, maxsplit=1)[0].strip()
            yield Finding(rule="not-pinned", line=line.number, message=requirement)


def included_files(text: str) -> tuple[str, ...]:
    """Return the names of other requirement files, which are not checked."""
    options = filter(None, (OPTION.match(line.text) for line in logical_lines(text)))
    return tuple(each["value"] or "" for each in options if each["key"] in INCLUDES)


def _is_pinned(line: LogicalLine) -> bool:
    requirement, _ = split_hashes(line.text)
    forms = (PINNED.fullmatch, NAME_AND_URL.fullmatch, URL_OR_PATH.match)
    return any(matches(requirement) for matches in forms)


def _option(key: str, value: str, line: int) -> Iterator[Finding]:
    shown = f"{'-' if len(key) == 1 else '--'}{key} {without_credentials(value)}"
    if key in OTHER_INDEXES:
        yield Finding(rule="index-option", line=line, message=shown)
    if key in NO_CERTIFICATE:
        yield Finding(rule="no-certificate-check", line=line, message=shown)
