"""What may be wrong with any file: each with its exact message."""

import gzip

import msgspec
import pytest

from orbiter.lockfiles.document import address, decode, load_json, load_toml, too_new, typed
from resolvers.errors import ExpectedError


def message(call: object, *arguments: object) -> str:
    assert callable(call)
    with pytest.raises(ExpectedError) as caught:
        call(*arguments)
    assert caught.value.hint
    return caught.value.message


def test_a_byte_order_mark_and_line_ends_of_windows_go() -> None:
    assert decode("a.lock", b"\xef\xbb\xbfa = 1\r\nb = 2\r\n") == "a = 1\nb = 2\n"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("a = 1".encode("utf-16"), "a.lock: this is UTF-16, not text in UTF-8"),
        (gzip.compress(b"a = 1", mtime=0), "a.lock: this is gzip, not text in UTF-8"),
        (b"PK\x03\x04rest", "a.lock: this is a zip archive, not text in UTF-8"),
        (b"\x28\xb5\x2f\xfdrest", "a.lock: this is zstd, not text in UTF-8"),
        (b"a = 1\nb = '\xe4'\n", "a.lock:2: this is no text in UTF-8"),
        ("a = 1\nb = 2".encode("utf-16-le"), "a.lock:1: a NUL byte; this is no text"),
        (b"a = 1\n\n<<<<<<< HEAD\nb = 1\n", "a.lock:3: a merge conflict was left here"),
        (b"a = 1\n=======\nb = 1\n", "a.lock:2: a merge conflict was left here"),
        (b"a = 1\n>>>>>>> main\n", "a.lock:2: a merge conflict was left here"),
    ],
)
def test_what_is_no_text(content: bytes, expected: str) -> None:
    assert message(decode, "a.lock", content) == expected


@pytest.mark.parametrize("text", ["# ========\n", "a = '<<<<<<< '\n", "========\n", "<<<<<<<<\n"])
def test_what_looks_like_a_conflict(text: str) -> None:
    assert decode("a.lock", text.encode()) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{\n "a": 1,\n', "a.json:3: Expecting property name enclosed in double quotes"),
        ('{"a": {"b": 1,\n"c": 2,\n"b": 3}}', "a.json:3: the key 'b' is there twice"),
        ('{"b": 0, "a": {"b": 1,\n"c": 2,\n"b": 3}}', "a.json: the key 'b' is there twice"),
        ("[1]", "a.json: this is no JSON object"),
        ('{"a":' * 100_000, "a.json: nested too deeply to be a lock file"),
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
        ("a = " + "[" * 100_000, "a.toml: nested too deeply to be a lock file"),
    ],
)
def test_broken_toml(text: str, expected: str) -> None:
    assert message(load_toml, "a.toml", text) == expected


class Entry(msgspec.Struct):
    name: str


class Document(msgspec.Struct):
    package: tuple[Entry, ...]


def test_a_wrong_type_is_told_with_the_line_of_its_table() -> None:
    text = '[[package]]\nname = "a"\n\n[[package]]\nname = 3\n'
    expected = "a.lock:4: package[1].name: Expected `str`, got `int`"
    assert message(typed, "a.lock", text, load_toml("a.lock", text), Document) == expected


def test_a_wrong_type_at_the_top() -> None:
    assert (
        message(typed, "a.lock", "", {}, Document)
        == "a.lock: Object missing required field `package`"
    )
    assert (
        message(typed, "a.lock", "", {"package": 1}, Document)
        == "a.lock: package: Expected `array`, got `int`"
    )


def test_too_new() -> None:
    assert (
        too_new("a.lock", "uv.lock", 2, "1").message
        == "a.lock: uv.lock 2 is newer than Orbiter knows (up to 1)"
    )


def test_credentials_are_not_shown() -> None:
    assert address("https://me:secret@example.org/simple") == "https://example.org/simple"
    assert address("https://example.org/@scope/name") == "https://example.org/@scope/name"
