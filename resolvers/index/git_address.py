"""Addresses of git repositories, as PEP 508 and pip write them. Pure.

``git+https://host/lab/tools.git@v1.0#subdirectory=python``: a tag, a branch or a commit follows the
``@``. The source of a locked archive has the commit: ``git:https://host/lab/tools.git@<commit>``,
and ``#python`` for the subdirectory.
"""

import re
from typing import NamedTuple

PREFIX = "git+"
SOURCE = "git:"
"""Start of the source of an archive of a commit."""
_URL = r"(?:https?|ssh)://(?:[A-Za-z0-9._-]+@)?[A-Za-z0-9.:\[\]-]+/[A-Za-z0-9._~/+%-]+"
_PART = r"(?!\.\.?(?:/|\Z))[A-Za-z0-9._+-]+"
_FOLDER = rf"{_PART}(?:/{_PART})*"
_ADDRESS = re.compile(
    rf"git\+(?P<url>{_URL})(?:@(?P<ref>[A-Za-z0-9_][A-Za-z0-9._/+-]*))?"
    rf"(?:#subdirectory=(?P<folder>{_FOLDER}))?"
)
SOURCE_PATTERN = rf"git:(?P<url>{_URL})@(?P<ref>[0-9a-f]{{40}})(?:#(?P<folder>{_FOLDER}))?"
_SOURCE = re.compile(SOURCE_PATTERN)


class GitAddress(NamedTuple):
    """A folder in a repository; ``ref`` is a tag, a branch or a commit, "" for the default one."""

    url: str
    ref: str
    folder: str = ""

    @property
    def source(self) -> str:
        """The source of the archive of a commit, which ``ref`` must be."""
        return f"{SOURCE}{self.url}@{self.ref}{self.folder and f'#{self.folder}'}"


def parse_address(text: str) -> GitAddress | None:
    """Return the parts of the address in a requirement, or None if it is malformed."""
    return _parts(_ADDRESS.fullmatch(text))


def parse_source(text: str) -> GitAddress | None:
    """Return the parts of the source of an archive, or None if it is malformed."""
    return _parts(_SOURCE.fullmatch(text))


def _parts(match: "re.Match[str] | None") -> GitAddress | None:
    if match is None:
        return None
    return GitAddress(url=match["url"], ref=match["ref"] or "", folder=match["folder"] or "")
