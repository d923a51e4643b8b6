"""The text format of artifacts-<platform>.txt, which lists the files of a stage."""

import re
from collections.abc import Iterable
from pathlib import PurePosixPath

import msgspec

from resolvers.errors import ExpectedError
from resolvers.index.source import is_direct

HASH = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")
SIZE = re.compile(r"[0-9]{1,16}")

OWN_FILE = "file"
"""The kind of source of own files, which only archives have."""


ADDRESS = "url"
"""The kind of source of downloads, which have an address of their own."""


class LockedFile(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """One file that a stage needs: a line of its ``artifacts-<os>-<architecture>.txt``.

    ``path`` is relative to the stage's artifacts folder (``apt/curl_8_amd64.deb``) and unique in a
    list. ``hash`` is ``sha256:<hex>`` or ``sha512:<hex>``. ``size`` is in bytes, 0 if unknown.
    ``source`` names the file in its index, without a host: ``apt:<pool path>`` or
    ``apt:<repository>:<path>`` with a repository of images.toml,
    ``pip:<project>/<file>`` or ``pip:<index>:<project>/<file>``, ``npm:<package>/-/<file>``, and
    ``file:<path>`` for an own file. Two have a host: ``conda:<address>``, because conda's locks
    hold addresses, and ``url:<address>``, because images.toml does. ``npm:git+<address>#<commit>``
    is made from a git repository, as ``resolvers.npm.git_tarball`` describes, and
    ``git:<address>@<commit>`` as ``resolvers.index.git_sdist`` does.
    """

    path: str
    hash: str
    size: int = 0
    source: str


def listed_source(manager: str, source: str) -> str:
    """Return the source of a manager's artifact as lists have it: an address needs no manager."""
    return source if is_direct(source) else f"{manager}:{source}"


def parse_list(text: str) -> tuple[LockedFile, ...]:
    """Read a list of files: lines of ``hash size path source``.

    Raises ExpectedError with the number of the malformed line.
    """
    files = tuple(_parse(line, number) for number, line in enumerate(text.splitlines(), 1))
    paths: set[str] = set()
    for number, file in enumerate(files, 1):
        if file.path in paths:
            raise _malformed(number, f"'{file.path}' is a duplicate")
        paths.add(file.path)
    return files


def format_list(files: Iterable[LockedFile]) -> str:
    """Return the canonical text of a list: sorted by path, each line ended; empty for no files."""
    return "".join(f"{file.hash} {file.size} {file.path} {file.source}\n" for file in sorted(files))


def _parse(line: str, number: int) -> LockedFile:
    fields = line.split(" ")
    if len(fields) != len(LockedFile.__struct_fields__):
        raise _malformed(number, "expected 'hash size path source'")
    digest, size, path, source = fields
    if not HASH.fullmatch(digest) or not SIZE.fullmatch(size):
        raise _malformed(number, "expected 'sha256:<hex>' or 'sha512:<hex>', and a size in bytes")
    pure = PurePosixPath(path)
    if not path or pure.is_absolute() or ".." in pure.parts:
        raise _malformed(number, f"'{path}' is not a relative path inside the artifacts folder")
    return LockedFile(path=path, hash=digest, size=int(size), source=source)


def _malformed(number: int, reason: str) -> ExpectedError:
    return ExpectedError(
        f"line {number} of the artifact list is malformed: {reason}",
        "restore the lock set from git, or lock again",
    )
