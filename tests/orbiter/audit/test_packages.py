"""Files of packages as they are installed, and programs without debug symbols."""

import struct
from pathlib import Path

import msgspec
import pytest

from orbiter.audit.packages.conda import with_prefix
from orbiter.audit.rules.stripped import difference

PROGRAM = Path(msgspec._core.__file__).read_bytes()
"""A real library, whose symbols are in .symtab or not, as its builder chose."""


def test_texts_get_the_folder_of_the_image() -> None:
    content = b"#!/build/place_hold/bin/python\npath = '/build/place_hold'\n"
    expected = b"#!/opt/env/bin/python\npath = '/opt/env'\n"
    assert with_prefix(content, b"/build/place_hold", is_text=True) == expected


def test_texts_in_programs_keep_their_length() -> None:
    content = b"\0/build/place_hold/lib:/build/place_hold/x\0next\0"
    changed = with_prefix(content, b"/build/place_hold", is_text=False)
    assert changed == b"\0/opt/env/lib:/opt/env/x" + bytes(18) + b"\0next\0"
    assert len(changed) == len(content)


def test_a_library_without_its_sections_of_debug_symbols_is_equal() -> None:
    assert difference(PROGRAM, PROGRAM) == ""


def test_a_changed_byte_of_loaded_code_is_found() -> None:
    (table,) = struct.unpack_from("<Q", PROGRAM, 32)
    size, number = struct.unpack_from("<HH", PROGRAM, 54)
    for at in range(number):
        kind, _, offset, _, _, length = struct.unpack_from("<IIQQQQ", PROGRAM, table + at * size)
        if kind != 1:  # a part that is loaded
            continue
        changed = bytearray(PROGRAM)
        changed[offset + length - 1] ^= 1
        assert difference(PROGRAM, bytes(changed)) != ""


def test_a_changed_byte_of_the_header_is_found() -> None:
    changed = bytearray(PROGRAM)
    changed[24] ^= 1  # the address of the first instruction
    assert "header" in difference(PROGRAM, bytes(changed))


@pytest.mark.parametrize("length", [64, 100, 1000])
def test_a_cut_program_is_not_equal(length: int) -> None:
    assert difference(PROGRAM, PROGRAM[:length]) != ""
