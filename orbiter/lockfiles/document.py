"""Bytes to text to data: what may be wrong with any file is said here, with its line."""

import json
import re
from collections import Counter
from typing import Any, TypeVar

import msgspec

from resolvers.errors import ExpectedError

T = TypeVar("T")
CONFLICT = re.compile(r"^(<{7}|={7}|>{7}|\|{7})( |$)", re.MULTILINE)
DAMAGED = "take it from git again, or write it anew with its own tool"
ENCODINGS = (
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
    (b"\x1f\x8b", "gzip"),
    (b"PK\x03\x04", "a zip archive"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
)
"""How files begin that are no text in UTF-8."""
PLAIN = re.compile(r"[^:]*://[^/@:]*(:\d+)?/")
"""An address that has its first @ behind the host."""
TABLE = re.compile(r"\.(\w+)\[(\d+)\]")
"""The table of an array in msgspec's path to a value: ``.package[3].version``."""
LONGEST = 9
"""Digits of a version of a format, at most."""
TWICE = 2


def decode(name: str, content: bytes) -> str:
    """The text of a lock file, with plain line ends. Raises ExpectedError for what is no text or half merged."""
    for start, kind in ENCODINGS:
        if content.startswith(start):
            raise ExpectedError(
                f"{name}: this is {kind}, not text in UTF-8", "unpack or convert it first"
            )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ExpectedError(f"{name}:{line}: this is no text in UTF-8", DAMAGED) from error
    if "\0" in text:
        raise ExpectedError(
            f"{name}:{line_of(text, text.index(chr(0)))}: a NUL byte; this is no text", DAMAGED
        )
    if "\r" in text:
        text = text.replace("\r\n", "\n")
    if any(mark in text for mark in ("<<<<<<<", "=======", ">>>>>>>")) and (
        found := CONFLICT.search(text)
    ):
        where = f"{name}:{line_of(text, found.start())}"
        raise ExpectedError(
            f"{where}: a merge conflict was left here", "finish the merge, then compare"
        )
    return text


def as_number(text: object) -> int | None:
    """The number that a text is, None for any other text, and for one that no format's version will ever be."""
    return (
        int(text)
        if isinstance(text, str) and text.isascii() and text.isdigit() and len(text) < LONGEST
        else None
    )


def line_of(text: str, position: int) -> int:
    """The number of the line of a position, from 1."""
    return text.count("\n", 0, position) + 1


def load_json(name: str, text: str) -> dict[str, Any]:
    """A JSON object. Raises ExpectedError for broken JSON, a key that is there twice, and what is no object."""
    try:
        data = json.loads(text, object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        raise ExpectedError(f"{name}:{error.lineno}: {error.msg}", DAMAGED) from error
    except _TwiceError as error:
        raise ExpectedError(
            f"{name}{_second(text, error.key)}: the key '{error.key}' is there twice", DAMAGED
        ) from None
    except RecursionError as error:
        raise ExpectedError(f"{name}: nested too deeply to be a lock file", DAMAGED) from error
    except ValueError as error:  # Python reads no number of thousands of digits
        raise ExpectedError(f"{name}: {error}", DAMAGED) from error
    if not isinstance(data, dict):
        raise ExpectedError(f"{name}: this is no JSON object", DAMAGED)
    return data


class _TwiceError(ValueError):
    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        counts = Counter(key for key, _ in pairs)
        raise _TwiceError(next(key for key, count in counts.items() if count > 1))
    return found


def _second(text: str, key: str) -> str:
    """``:LINE`` of a key's second place; "" where other objects have the key too, so that nobody can tell."""
    found = [each.start() for each in re.finditer(re.escape(json.dumps(key)) + r"\s*:", text)]
    return f":{line_of(text, found[1])}" if len(found) == TWICE else ""


def load_toml(name: str, text: str) -> dict[str, Any]:
    """A TOML document. Raises ExpectedError with the line for what is none; TOML itself forbids keys twice."""
    import tomli  # reads a uv.lock of a megabyte in a third of the time that tomllib takes

    try:
        return tomli.loads(text)
    except tomli.TOMLDecodeError as error:
        raise ExpectedError(f"{name}:{error.lineno}: {error.msg}", DAMAGED) from error
    except ValueError as error:  # Python reads no number of thousands of digits
        raise ExpectedError(f"{name}: {error}", DAMAGED) from error
    except RecursionError as error:
        raise ExpectedError(f"{name}: nested too deeply to be a lock file", DAMAGED) from error


def typed(name: str, text: str, data: object, kind: type[T]) -> T:
    """TOML or JSON data as a type. Raises ExpectedError with the key, and the line of its table where it has one."""
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        words, _, path = str(error).partition(" - at `$")
        table = TABLE.match(path)
        where = f"{name}:{_line_of_table(text, table[1], int(table[2]))}" if table else name
        key = path.strip(".`")
        raise ExpectedError(
            f"{where}: {key}: {words}" if key else f"{where}: {words}", DAMAGED
        ) from error


def _line_of_table(text: str, key: str, number: int) -> int:
    heads = list(re.finditer(rf"^\[\[{key}\]\]", text, re.MULTILINE))
    return line_of(text, heads[number].start()) if number < len(heads) else 1


def too_new(name: str, what: str, version: object, newest: str) -> ExpectedError:
    """The error for a format of the future."""
    return ExpectedError(
        f"{name}: {what} {version} is newer than Orbiter knows (up to {newest})",
        "use a newer Orbiter to read it",
    )


def address(url: str) -> str:
    """An address as it may be shown: without credentials."""
    if "@" not in url or PLAIN.match(url):
        return url
    from resolvers.net.http import redact

    return redact(url)
