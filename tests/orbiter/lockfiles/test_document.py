"""Errors that any file can have, each with its exact message."""

import gzip

import msgspec
import pytest

from orbiter.lockfiles.document import (
    convert,
    decode_text,
    load_json,
    load_toml,
    unsupported_version,
    without_credentials,
)
from resolvers.errors import ExpectedError


def message(call: object, *arguments: object) -> str:
    assert callable(call)
    with pytest.raises(ExpectedError) as caught:
        call(*arguments)
    assert caught.value.hint
    return caught.value.message


def test_byte_order_mark_and_windows_line_endings_are_removed() -> None:
    assert decode_text("a.lock", b"\xef\xbb\xbfa = 1\r\nb = 2\r\n") == "a = 1\nb = 2\n"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("a = 1".encode("utf-16"), "a.lock: the file is UTF-16, not UTF-8 text"),
        (gzip.compress(b"a = 1", mtime=0), "a.lock: the file is gzip, not UTF-8 text"),
        (b"PK\x03\x04rest", "a.lock: the file is a zip archive, not UTF-8 text"),
        (b"\x28\xb5\x2f\xfdrest", "a.lock: the file is zstd, not UTF-8 text"),
        (b"a = 1\nb = '\xe4'\n", "a.lock:2: not UTF-8 text"),
        ("a = 1\nb = 2".encode("utf-16-le"), "a.lock:1: not text: it contains a NUL byte"),
        (b"a = 1\n\n<<<<<<< HEAD\nb = 1\n", "a.lock:3: unresolved merge conflict"),
        (b"a = 1\n=======\nb = 1\n", "a.lock:2: unresolved merge conflict"),
        (b"a = 1\n>>>>>>> main\n", "a.lock:2: unresolved merge conflict"),
    ],
)
def test_files_that_are_not_text(content: bytes, expected: str) -> None:
    assert message(decode_text, "a.lock", content) == expected


@pytest.mark.parametrize("text", ["# ========\n", "a = '<<<<<<< '\n", "========\n", "<<<<<<<<\n"])
def test_lines_that_resemble_conflict_markers(text: str) -> None:
    assert decode_text("a.lock", text.encode()) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{\n "a": 1,\n', "a.json:3: Expecting property name enclosed in double quotes"),
        ('{"a": {"b": 1,\n"c": 2,\n"b": 3}}', "a.json:3: duplicate key 'b'"),
        ('{"b": 0, "a": {"b": 1,\n"c": 2,\n"b": 3}}', "a.json: duplicate key 'b'"),
        ("[1]", "a.json: the file is not a JSON object"),
        ('{"a":' * 100_000, "a.json: nested too deeply for a lock file"),
    ],
)
def test_broken_json(text: str, expected: str) -> None:
    assert message(load_json, "a.json", text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a = 1\nb = [1,\n", "a.toml:3: Invalid value"),
        ("a = 1\nb = 'x\n", 'a.toml:3: Expected "\'"'),
        ("a = 1\nb = 1\na = 2\n", "a.toml:3: Cannot overwrite a value"),
        ("[t]\na = 1\n[t]\n", "a.toml:3: Cannot declare ('t',) twice"),
        ("a = " + "[" * 100_000, "a.toml: nested too deeply for a lock file"),
    ],
)
def test_broken_toml(text: str, expected: str) -> None:
    assert message(load_toml, "a.toml", text) == expected


class Entry(msgspec.Struct):
    name: str


class Document(msgspec.Struct):
    package: tuple[Entry, ...]


def test_a_wrong_type_is_reported_with_the_line_of_its_table() -> None:
    text = '[[package]]\nname = "a"\n\n[[package]]\nname = 3\n'
    expected = "a.lock:4: package[1].name: Expected `str`, got `int`"
    assert message(convert, "a.lock", text, load_toml("a.lock", text), Document) == expected


def test_a_wrong_type_at_the_top_level() -> None:
    assert (
        message(convert, "a.lock", "", {}, Document)
        == "a.lock: Object missing required field `package`"
    )
    assert (
        message(convert, "a.lock", "", {"package": 1}, Document)
        == "a.lock: package: Expected `array`, got `int`"
    )


def test_unsupported_versions() -> None:
    assert (
        unsupported_version("a.lock", "uv.lock", 2, "1").message
        == "a.lock: uv.lock 2 is not supported (newest supported version: 1)"
    )


def test_credentials_are_removed() -> None:
    assert (
        without_credentials("https://me:secret@example.org/simple") == "https://example.org/simple"
    )
    assert (
        without_credentials("https://example.org/@scope/name") == "https://example.org/@scope/name"
    )
