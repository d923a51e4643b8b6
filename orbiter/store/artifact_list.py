"""The text format of artifacts-<platform>.txt."""

import re
from collections.abc import Iterable
from pathlib import PurePosixPath

import msgspec

from resolvers.errors import ExpectedError

HASH = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")


class LockedFile(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """One artifact as a stage uses it: a line of its ``artifacts-<os>-<architecture>.txt``.

    ``path`` is its place in the stage's artifacts folder (``apt/curl_8_amd64.deb``), unique in a list.
    ``hash`` is ``sha256:<hex>`` or ``sha512:<hex>``; ``size`` is in bytes, 0 for unknown. ``source`` says who
    keeps it, without any host: ``apt:<pool path>``, ``pip:<project>/<file>``, ``npm:<package>/-/<file>``; or, of
    conda, whose locks hold addresses, ``conda:<address>``.
    """

    path: str
    hash: str
    size: int = 0
    source: str


def parse_list(text: str) -> tuple[LockedFile, ...]:
    """Read a list of artifacts: lines of ``hash size path source``. Raises ExpectedError with the line."""
    entries = tuple(_parse(line, number) for number, line in enumerate(text.splitlines(), 1))
    seen: set[str] = set()
    for number, entry in enumerate(entries, 1):
        if entry.path in seen:
            raise _malformed(number, f"'{entry.path}' is there twice")
        seen.add(entry.path)
    return entries


def format_list(entries: Iterable[LockedFile]) -> str:
    """The canonical text of a list of artifacts: sorted by path, each line ended; empty for none."""
    return "".join(f"{e.hash} {e.size} {e.path} {e.source}\n" for e in sorted(entries))


def _parse(line: str, number: int) -> LockedFile:
    fields = line.split(" ")
    if len(fields) != len(LockedFile.__struct_fields__):
        raise _malformed(number, "expected 'hash size path source'")
    digest, size, path, source = fields
    if not HASH.fullmatch(digest) or not size.isdecimal():
        raise _malformed(number, "expected 'sha256:<hex>' or 'sha512:<hex>', and a size in bytes")
    pure = PurePosixPath(path)
    if not path or pure.is_absolute() or ".." in pure.parts:
        raise _malformed(number, f"'{path}' is no place in an artifacts folder")
    return LockedFile(path=path, hash=digest, size=int(size), source=source)


def _malformed(number: int, reason: str) -> ExpectedError:
    return ExpectedError(
        f"the list of artifacts is malformed in line {number}: {reason}",
        "restore the lock set from git, or lock again",
    )
