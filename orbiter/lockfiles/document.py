"""Decode and parse files; report every error with the file name and, if possible, the line."""

import json
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from resolvers.errors import ExpectedError

T = TypeVar("T")

DAMAGED = "restore the file from git, or create it again with its own tool"

CONFLICT_MARKERS = ("<<<<<<<", "=======", ">>>>>>>")
CONFLICT = re.compile(r"^(<{7}|={7}|>{7}|\|{7})( |$)", re.MULTILINE)

VERSIONS_ONLY = "it has versions only, so a file that was replaced is not noticed"
"""Note of a lock without any hash."""

MAGIC_BYTES = (
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
    (b"\x1f\x8b", "gzip"),
    (b"PK\x03\x04", "a zip archive"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
)
"""First bytes of files that are not UTF-8 text."""

NO_CREDENTIALS = re.compile(r"[^:]*://[^/@:]*(:\d+)?/")
"""Start of a URL in which an @ can only follow the host."""

ARRAY_TABLE = re.compile(r"\.(\w+)\[(\d+)\]")
"""Table of an array in the path of a msgspec error: ``.package[3].version``."""

MAX_DIGITS = 8
"""Digits of a format version; no format will ever need more."""

DUPLICATE = 2
"""Number of times that a duplicate key occurs in a text if no other object has that key."""


def decode_text(name: str, content: bytes) -> str:
    """Decode a lock file, with Unix line endings.

    Raises ExpectedError if it is not UTF-8 text or contains merge conflicts.
    """
    for magic, kind in MAGIC_BYTES:
        if content.startswith(magic):
            raise ExpectedError(
                f"{name}: the file is {kind}, not UTF-8 text", "unpack or convert it first"
            )
    try:
        # Some editors on Windows write a byte order mark.
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ExpectedError(f"{name}:{line}: not UTF-8 text", DAMAGED) from error
    if "\0" in text:
        line = line_of(text, text.index("\0"))
        raise ExpectedError(f"{name}:{line}: not text: it contains a NUL byte", DAMAGED)
    if "\r" in text:
        # The patterns of all readers expect Unix line endings.
        text = text.replace("\r\n", "\n")
        _check_line_ends(name, text)
    _check_merged(name, text)
    return text


def _check_line_ends(name: str, text: str) -> None:
    # Some tools end a line at a carriage return and others do not, so they read different files.
    if "\r" in text:
        line = line_of(text, text.index("\r"))
        raise ExpectedError(
            f"{name}:{line}: carriage return (CR) without a line feed (LF)",
            "convert the line endings to LF",
        )


def _check_merged(name: str, text: str) -> None:
    # The search for plain strings is much faster than the expression on a file without conflicts.
    if not any(marker in text for marker in CONFLICT_MARKERS):
        return
    if conflict := CONFLICT.search(text):
        line = line_of(text, conflict.start())
        raise ExpectedError(
            f"{name}:{line}: unresolved merge conflict", "finish the merge, then compare again"
        )


def as_number(value: object) -> int | None:
    """Return the number in a text; None if it is not a number or too long for a version."""
    if not isinstance(value, str) or len(value) > MAX_DIGITS:
        return None
    return int(value) if value.isascii() and value.isdigit() else None


def line_of(text: str, position: int) -> int:
    """Return the line number of a position, starting at 1."""
    return text.count("\n", 0, position) + 1


class _DuplicateKeyError(ValueError):
    """A JSON object has a key twice."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def load_json(name: str, text: str) -> dict[str, Any]:
    """Parse a JSON object.

    Raises ExpectedError for invalid JSON, duplicate keys, and any other JSON value.
    """
    try:
        # Otherwise json keeps the last of two keys, which hides a faulty merge.
        data = json.loads(text, object_pairs_hook=_without_duplicates)
    except json.JSONDecodeError as error:
        raise ExpectedError(f"{name}:{error.lineno}: {error.msg}", DAMAGED) from error
    except _DuplicateKeyError as error:
        where = f"{name}{_line_of_duplicate(text, error.key)}"
        raise ExpectedError(f"{where}: duplicate key '{error.key}'", DAMAGED) from None
    except RecursionError as error:
        raise _too_deep(name) from error
    except ValueError as error:  # Python refuses to read numbers of thousands of digits
        raise ExpectedError(f"{name}: {error}", DAMAGED) from error
    if not isinstance(data, dict):
        raise ExpectedError(f"{name}: the file is not a JSON object", DAMAGED)
    return data


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) < len(pairs):
        counts = Counter(key for key, _ in pairs)
        raise _DuplicateKeyError(next(key for key, count in counts.items() if count > 1))
    return data


def _line_of_duplicate(text: str, key: str) -> str:
    """Return ``:LINE`` of the second occurrence of a key; "" if other objects have it too."""
    pattern = re.escape(json.dumps(key)) + r"\s*:"
    positions = [match.start() for match in re.finditer(pattern, text)]
    return f":{line_of(text, positions[1])}" if len(positions) == DUPLICATE else ""


def _too_deep(name: str) -> ExpectedError:
    return ExpectedError(f"{name}: nested too deeply for a lock file", DAMAGED)


def load_toml(name: str, text: str) -> Mapping[str, Any]:
    """Parse a TOML document.

    Raises ExpectedError with the line if it is invalid; TOML itself forbids duplicate keys.
    """
    import tomli

    from resolvers.pip.toml_file import parse

    try:
        return parse(text)
    except tomli.TOMLDecodeError as error:
        raise ExpectedError(f"{name}:{error.lineno}: {error.msg}", DAMAGED) from error
    except ValueError as error:  # Python refuses to read numbers of thousands of digits
        raise ExpectedError(f"{name}: {error}", DAMAGED) from error
    except RecursionError as error:
        raise _too_deep(name) from error


def convert(name: str, text: str, data: object, kind: type[T]) -> T:
    """Convert parsed TOML or JSON to a type.

    Raises ExpectedError with the key, and the line of its table if the key is in an array.
    """
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        # msgspec knows the path of a value, but not its line.
        reason, _, path = str(error).partition(" - at `$")
        table = ARRAY_TABLE.match(path)
        where = f"{name}:{_line_of_table(text, table[1], int(table[2]))}" if table else name
        location = ": ".join(filter(None, (where, path.strip(".`"))))
        raise ExpectedError(f"{location}: {reason}", DAMAGED) from error


def _line_of_table(text: str, key: str, index: int) -> int:
    headers = list(re.finditer(rf"^\[\[{key}\]\]", text, re.MULTILINE))
    return line_of(text, headers[index].start()) if index < len(headers) else 1


def unsupported_version(name: str, kind: str, version: object, newest: str) -> ExpectedError:
    """Return the error for a format version that Orbiter does not support."""
    return ExpectedError(
        f"{name}: {kind} {version} is not supported (newest supported version: {newest})",
        "use a newer release of Orbiter",
    )


def without_credentials(url: str) -> str:
    """Return a URL that is safe to display."""
    if "@" not in url or NO_CREDENTIALS.match(url):
        return url
    # The network modules are slow to import, and few URLs have credentials.
    from resolvers.redaction import redact

    return redact(url)
