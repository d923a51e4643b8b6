"""Packages with machine code, by programs of this machine."""

import _ctypes
from pathlib import Path

import pytest
from msgspec.structs import replace

from orbiter.assembly.native import native_packages
from orbiter.assembly.tree import Content, Entry, Tree
from tests.support.trees import folder, link, real_entry

PROGRAM = Path("/bin/true").resolve()
LIBRARY = Path(_ctypes.__file__)


def native(own: Tree, *, read: list[str] | None = None) -> frozenset[str]:
    """Return the native ones of packages that each have a file. ``read`` gets the read paths."""

    def first_bytes(path: str, size: int) -> bytes:
        if read is not None:
            read.append(path)
        content = own[path].content
        assert content is not None
        return content.read(size)

    return native_packages(own, dict.fromkeys(own, "pip:a"), first_bytes)


def written(path: Path, content: bytes, mode: int = 0o644) -> Entry:
    path.write_bytes(content)
    return replace(real_entry(path), mode=mode)


@pytest.mark.parametrize("mode", [0o755, 0o100, 0o010, 0o4711])
def test_executable_elf_files_are_native(mode: int) -> None:
    assert native({"opt/env/bin/true": replace(real_entry(PROGRAM), mode=mode)}) == {"pip:a"}


@pytest.mark.parametrize(
    "name",
    [
        "_ctypes.cpython-313-x86_64-linux-gnu.so",
        "libffi.so",
        "libffi.so.8",
        "libffi.so.8.1.4",
        "keytar.node",
    ],
)
def test_libraries_need_not_be_executable(name: str) -> None:
    assert native({f"opt/env/lib/{name}": replace(real_entry(LIBRARY), mode=0o644)}) == {"pip:a"}


def test_static_libraries_are_native(tmp_path: Path) -> None:
    assert native({"opt/env/lib/liba.a": written(tmp_path / "a", b"!<arch>\n")}) == {"pip:a"}


@pytest.mark.parametrize(
    ("path", "content", "mode"),
    [
        ("bin/script", b"#!/bin/sh\nexec true\n", 0o755),
        ("bin/empty", b"", 0o755),
        ("bin/short", b"\x7fEL", 0o755),
        ("bin/windows.exe", b"MZ\x90\0", 0o755),
        # A linker script
        ("lib/libc.so", b"/* GNU ld script */\nGROUP ( /lib/libc.so.6 )\n", 0o644),
        ("lib/empty.so", b"", 0o644),
    ],
)
def test_other_files_are_not_native(tmp_path: Path, path: str, content: bytes, mode: int) -> None:
    read: list[str] = []
    assert native({path: written(tmp_path / "x", content, mode)}, read=read) == frozenset()
    assert read == [path]


@pytest.mark.parametrize(
    "entry",
    [link("libffi.so.8"), folder()],
    ids=["link", "folder"],
)
@pytest.mark.parametrize("path", ["lib/libffi.so", "lib/liba.a"])
def test_only_files_are_native(path: str, entry: Entry) -> None:
    assert native({path: entry}) == frozenset()


@pytest.mark.parametrize("path", ["share/data", "lib/x.solution", "lib.so/data", "lib/so", "x.a/y"])
def test_other_names_are_not_read(path: str) -> None:
    read: list[str] = []
    assert native({path: replace(real_entry(PROGRAM), mode=0o644)}, read=read) == frozenset()
    assert read == []


def test_files_end_where_their_content_ends() -> None:
    content = Content(digest="", size=3, source=PROGRAM, offset=0)
    assert native({"bin/x": replace(real_entry(PROGRAM), mode=0o755, content=content)}) == set()


def test_one_file_makes_a_package_native(tmp_path: Path) -> None:
    program = replace(real_entry(PROGRAM), mode=0o755)
    text = written(tmp_path / "text", b"text")
    script = written(tmp_path / "script", b"#!/bin/sh\n", 0o755)
    own = {"a/text": text, "a/true": program, "b/x": script, "c/x": program, "d/x": program}
    owner = {"a/text": "pip:a", "a/true": "pip:a", "b/x": "pip:b", "c/x": "conda:c"}

    def read(path: str, size: int) -> bytes:
        content = own[path].content
        return content.read(size) if content else b""

    assert native_packages(own, owner, read) == {"pip:a", "conda:c"}
