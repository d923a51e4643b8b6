"""The source packages of Debian packages."""

import pytest

from resolvers.apt.index import parse_records
from resolvers.apt.lock_file import parse, recorded_sources
from resolvers.apt.source_field import parse_source
from resolvers.errors import ExpectedError
from tests.support.paths import TESTS

RECORD = """\
Package: libc6
Architecture: amd64
Version: 2.41-12+b1
Filename: pool/main/g/glibc/libc6_2.41-12+b1_amd64.deb
Size: 1
SHA256: 00
"""


@pytest.mark.parametrize(
    ("field", "source"),
    [
        ("", ("libc6", "2.41-12+b1")),
        ("glibc", ("glibc", "2.41-12+b1")),
        ("glibc (2.41-12)", ("glibc", "2.41-12")),
        ("gcc-14 (1:14.2.0-19)", ("gcc-14", "1:14.2.0-19")),
    ],
)
def test_the_field(field: str, source: tuple[str, str]) -> None:
    assert parse_source(field, "libc6", "2.41-12+b1") == source
    text = f"{RECORD}Source: {field}\n" if field else RECORD
    (record,) = parse_records(text).values()
    assert record.built_from == source


@pytest.mark.parametrize("field", ["a b", "glibc (2", "glibc ()", "../x", "(1)", "a(1)"])
def test_a_malformed_field_is_an_error(field: str) -> None:
    with pytest.raises(ValueError, match="source package"):
        parse_source(field, "libc6", "2")
    with pytest.raises(ExpectedError, match=r"invalid source of libc6 2\.41-12\+b1"):
        parse_records(f"{RECORD}Source: {field}\n")


def test_older_locks_have_no_sources() -> None:
    text = (TESTS / "data" / "apt" / "two-platforms.lock").read_text(encoding="utf-8")
    assert recorded_sources(parse({"apt.lock": text})) == {}
