"""Files of packages as they are installed, and programs without debug symbols."""

import hashlib
import io
import json
import struct
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec
import pytest

from orbiter.audit.packages.conda import read_conda, read_conda_file, with_prefix
from orbiter.audit.packages.npm import read_npm, read_npm_file
from orbiter.audit.packages.wheel import read_wheel, read_wheel_file
from orbiter.audit.rules.stripped import difference

PROGRAM = Path(msgspec._core.__file__).read_bytes()
"""A real library, whose symbols are in .symtab or not, as its builder chose."""


def write_tar(path: Path, files: Mapping[str, bytes], mode: Literal["w:gz", "w:bz2"]) -> Path:
    with tarfile.open(path, mode) as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def digest(content: bytes | None) -> str:
    assert content is not None
    return hashlib.sha256(content).hexdigest()


def test_files_of_wheels_are_read_by_the_path_of_an_installer(tmp_path: Path) -> None:
    path = tmp_path / "a-1-py3-none-any.whl"
    names = ["a/b.so", "c/a/b.so", "a-1.data/platlib/b.so", "a-1.data/scripts/b.so"]
    with zipfile.ZipFile(path, "w") as wheel:
        for name in names:
            wheel.writestr(name, name)
    files = read_wheel(path).files
    assert files.keys() == {"site/a/b.so", "site/c/a/b.so", "site/b.so", "scripts/b.so"}
    for name, file in files.items():
        assert digest(read_wheel_file(path, name)) == file.digest
    assert read_wheel_file(path, "site/c.so") is None


def test_files_of_npm_packages_are_read_without_their_top_folder(tmp_path: Path) -> None:
    members = {"./package/bin/a": b"1", "package/a": b"2", "package/package.json": b"{}"}
    path = write_tar(tmp_path / "a.tgz", members, "w:gz")
    files = read_npm(path).files
    assert files.keys() == {"bin/a", "a", "package.json"}
    for name, file in files.items():
        assert digest(read_npm_file(path, name)) == file.digest
    assert read_npm_file(path, "b") is None


def test_files_of_conda_packages_are_read_as_they_are_installed(tmp_path: Path) -> None:
    placeholder = "/build/place_hold"
    entry = {"_path": "lib/a.so", "prefix_placeholder": placeholder, "file_mode": "binary"}
    members = {
        "info/paths.json": json.dumps({"paths": [entry]}).encode(),
        "lib/a.so": f"{placeholder}/lib\0".encode(),
        "lib/b.so": placeholder.encode(),
    }
    path = write_tar(tmp_path / "a-1-0.tar.bz2", members, "w:bz2")
    files = read_conda(path).files
    assert files.keys() == {"lib/a.so", "lib/b.so"}
    for name, file in files.items():
        assert digest(read_conda_file(path, name)) == file.digest
    assert read_conda_file(path, "lib/c.so") is None


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


def test_bytes_that_belong_to_no_section_are_found() -> None:
    assert difference(PROGRAM, PROGRAM + bytes(8)) == ""
    assert (
        difference(PROGRAM, PROGRAM + bytes(7) + b"1") == "it has other bytes between its sections"
    )


@pytest.mark.parametrize("length", [64, 100, 1000])
def test_a_cut_program_is_not_equal(length: int) -> None:
    assert difference(PROGRAM, PROGRAM[:length]) != ""
