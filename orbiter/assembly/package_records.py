"""The lists of files that packages of each manager leave in an image. Pure.

Broken records list no files, or those before the broken part, and raise no error.
"""

import csv
import io
import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import NamedTuple

import msgspec
from packaging.utils import canonicalize_name

Listed = Iterable[tuple[str, str]]
"""Pairs of a package and a path: ``apt:libc6``, ``usr/lib/x86_64-linux-gnu/libc.so.6``.

Paths may contain ``..``, and links among their folders.
"""


class RecordKind(NamedTuple):
    """A kind of record: the end and a pattern of its path, and a function for the listed files.

    The function gets the match of the pattern and the bytes of the record.
    """

    end: str
    path: re.Pattern[str]
    files: Callable[[re.Match[str], bytes], Listed]

    def match(self, path: str) -> re.Match[str] | None:
        """Return the match of a path, or None if it is not that of a record of this kind."""
        # Few paths have the end, which is much faster to compare than the pattern.
        return self.path.fullmatch(path) if path.endswith(self.end) else None


class _CondaRecord(msgspec.Struct):
    name: str
    files: tuple[str, ...] = ()


def _text(content: bytes) -> str:
    """Decode a record as layers decode paths, which need not be UTF-8."""
    return content.decode(errors="surrogateescape")


def _apt(match: re.Match[str], content: bytes) -> Listed:
    """Read the list of dpkg: absolute paths."""
    owner = f"apt:{match[1]}"
    for line in _text(content).split("\n"):
        yield owner, line.lstrip("/")


def _apk(_match: re.Match[str], content: bytes) -> Listed:
    """Read the database of apk: lines with packages (P), folders (F) and their files (R).

    Format: https://wiki.alpinelinux.org/wiki/Apk_spec
    """
    owner = folder = ""
    for line in _text(content).split("\n"):
        letter, _, value = line.partition(":")
        if letter == "P":
            owner, folder = f"apk:{value}", ""
        elif letter == "F":
            folder = value
        elif letter == "R":
            yield owner, f"{folder}/{value}".lstrip("/")


def _conda(match: re.Match[str], content: bytes) -> Listed:
    """Read a record of conda-meta: paths relative to the environment."""
    # Deep nesting is a RecursionError, all other problems are a ValueError.
    with suppress(ValueError, RecursionError):
        record = msgspec.json.decode(content, type=_CondaRecord)
        owner = f"conda:{record.name}"
        yield owner, match[0]
        yield from ((owner, match["base"] + path) for path in record.files)


def _pip(match: re.Match[str], content: bytes) -> Listed:
    """Read a RECORD: paths relative to the folder of the packages, or absolute.

    Format: https://packaging.python.org/en/latest/specifications/recording-installed-packages/
    """
    owner = f"pip:{canonicalize_name(match['name'])}"
    with suppress(csv.Error):
        for row in csv.reader(io.StringIO(_text(content), newline="")):
            if row:
                yield owner, _from(match["base"], row[0])


def _egg(match: re.Match[str], content: bytes) -> Listed:
    """Read the list of an old ``setup.py install``: paths relative to its own folder."""
    owner = f"pip:{canonicalize_name(match['name'])}"
    for line in _text(content).split("\n"):
        yield owner, _from(match["base"], line)


def _from(base: str, path: str) -> str:
    """Return a path that is absolute, or relative to a folder."""
    return path.lstrip("/") if path.startswith("/") else base + path


def _kind(end: str, path: str, files: Callable[[re.Match[str], bytes], Listed]) -> RecordKind:
    return RecordKind(end, re.compile(path + re.escape(end)), files)


KINDS = (
    _kind(".list", r"var/lib/dpkg/info/([^/:]+)(?::[^/]+)?", _apt),
    _kind("lib/apk/db/installed", r"(?:usr/)?", _apk),
    _kind(".json", r"(?P<base>(?:.*/)?)conda-meta/[^/]+", _conda),
    _kind(".dist-info/RECORD", r"(?P<base>(?:.*/)?)(?P<name>[^/-]+)-[^/]+", _pip),
    _kind("installed-files.txt", r"(?P<base>(?:.*/)?(?P<name>[^/-]+)[^/]*\.egg-info/)", _egg),
)
"""All kinds; packages of conda contain records of pip, so conda precedes pip."""
