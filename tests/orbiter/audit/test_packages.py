"""Files of packages as they are installed, and programs without debug symbols."""

import bz2
import gzip
import hashlib
import io
import json
import struct
import tarfile
import zipfile
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Literal, cast

import msgspec
import pytest

from orbiter.assembly.tree import Content, Entry
from orbiter.audit.claims import Claim, Claims, InstalledContents
from orbiter.audit.contents import Contents
from orbiter.audit.locked import LockedImage, LockedPackage
from orbiter.audit.packages.apk import read_apk
from orbiter.audit.packages.conda import read_conda, read_conda_files, with_prefix
from orbiter.audit.packages.deb import read_deb
from orbiter.audit.packages.files import PackageContents, Reader, package_contents
from orbiter.audit.packages.npm import read_npm, read_npm_files
from orbiter.audit.packages.wheel import read_wheel, read_wheel_files
from orbiter.audit.rules import stripped
from orbiter.audit.rules.stripped import difference
from orbiter.audit.scene import Scene
from orbiter.store.artifact_list import LockedFile
from orbiter.store.store import Store
from resolvers.errors import ExpectedError
from tests.support.deb_files import deb
from tests.support.hostile_tar import tar_of_negative_size, tar_with_a_wrong_sparse_map

X = f"sha256:{hashlib.sha256(b'x').hexdigest()}"
PROGRAM = Path(msgspec._core.__file__).read_bytes()
"""A real library, whose symbols are in .symtab or not, as its builder chose."""


def write_tar(path: Path, files: Mapping[str, bytes], mode: Literal["w:gz", "w:bz2"]) -> Path:
    with tarfile.open(path, mode) as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_files_of_wheels_are_read_by_the_path_of_an_installer(tmp_path: Path) -> None:
    path = tmp_path / "a-1-py3-none-any.whl"
    names = ["a/b.so", "c/a/b.so", "a-1.data/platlib/b.so", "a-1.data/scripts/b.so"]
    with zipfile.ZipFile(path, "w") as wheel:
        for name in names:
            wheel.writestr(name, name)
    files = read_wheel(path).files
    assert files.keys() == {"site/a/b.so", "site/c/a/b.so", "site/b.so", "scripts/b.so"}
    contents = dict(read_wheel_files(path, {*files, "site/c.so"}))
    assert {name: digest(content) for name, content in contents.items()} == {
        name: file.digest for name, file in files.items()
    }


def test_files_of_npm_packages_are_read_without_their_top_folder(tmp_path: Path) -> None:
    members = {"./package/bin/a": b"1", "package/a": b"2", "package/package.json": b"{}"}
    path = write_tar(tmp_path / "a.tgz", members, "w:gz")
    files = read_npm(path).files
    assert files.keys() == {"bin/a", "a", "package.json"}
    contents = dict(read_npm_files(path, {*files, "b"}))
    assert {name: digest(content) for name, content in contents.items()} == {
        name: file.digest for name, file in files.items()
    }


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
    contents = dict(read_conda_files(path, {*files, "lib/c.so"}))
    assert {name: digest(content) for name, content in contents.items()} == {
        name: file.digest for name, file in files.items()
    }


def test_a_problem_of_this_machine_is_not_one_of_the_package(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    store.add(b"x", X)
    package = LockedFile(path="npm/a.tgz", hash=X, source="npm:a/-/a.tgz")
    with pytest.raises(NotADirectoryError):
        package_contents(package, lambda path: read_npm(path / "x"), store)
    with pytest.raises(ExpectedError, match=r"a\.tgz is not a package"):
        package_contents(package, read_npm, store)


@pytest.mark.parametrize(
    "paths", [b"[]", b"{}", b'{"paths": 1}', b'{"paths": ["x"]}', b'{"paths": [{"_path": 1}]}']
)
def test_a_conda_package_with_a_wrong_list_is_an_error(tmp_path: Path, paths: bytes) -> None:
    path = write_tar(tmp_path / "a-1-0.tar.bz2", {"info/paths.json": paths}, "w:bz2")
    with pytest.raises(ExpectedError, match=r"a-1-0\.tar\.bz2 is not a package"):
        contents_of(path, read_conda)


@pytest.mark.parametrize("content", [tar_of_negative_size(), tar_with_a_wrong_sparse_map()])
@pytest.mark.parametrize("read", [read_conda, read_npm, read_apk])
def test_a_hostile_tar_file_is_an_error(tmp_path: Path, content: bytes, read: Reader) -> None:
    compress = bz2.compress if read is read_conda else gzip.compress
    (tmp_path / "a").write_bytes(compress(content))
    with pytest.raises(ExpectedError, match="a is not a package"):
        contents_of(tmp_path / "a", read)


def test_a_hostile_tar_file_in_a_debian_package_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(deb(data=gzip.compress(tar_of_negative_size())))
    with pytest.raises(ExpectedError, match=r"a is not a package: an entry of -512 bytes"):
        contents_of(tmp_path / "a", read_deb)


def contents_of(path: Path, read: Reader) -> PackageContents:
    """Return the contents of a package from a store."""
    file = LockedFile(path=path.name, hash=f"sha256:{digest(path.read_bytes())}", source="")
    store = Store(path.parent / "store")
    store.add(path, file.hash)
    return package_contents(file, read, store)


def test_programs_of_a_package_are_read_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = {f"lib/{name}.so": PROGRAM + bytes([number]) for number, name in enumerate("abc")}
    path = write_tar(tmp_path / "a-1-0.tar.bz2", programs, "w:bz2")
    file = LockedFile(
        path="conda/a-1-0.tar.bz2",
        hash=f"sha256:{digest(path.read_bytes())}",
        source="conda:https://c.example/a-1-0.tar.bz2",
    )
    store = Store(tmp_path / "store")
    store.add(path, file.hash)
    package = LockedPackage(manager="conda", name="a", version="1", file=file, stage="core")
    contents = read_conda(path)
    claims = {
        f"opt/env/{source}": (Claim("conda:a", source, each),)
        for source, each in contents.files.items()
    }
    # Zeros between sections count as nothing; each file has others than its package.
    found = {"lib/a.so": PROGRAM + bytes(9), "lib/b.so": PROGRAM, "lib/c.so": PROGRAM[:1000]}
    tree = {f"opt/env/{source}": entry(tmp_path, content) for source, content in found.items()}
    scene = Scene(
        contents=Contents(layers=(), tree=tree, layer={}, special=frozenset()),
        locked=cast("LockedImage", None),  # this rule does not look at it
        claims=Claims(
            by_path=claims, packages={file.hash: InstalledContents(package, contents)}, built=()
        ),
        store=store,
        report=lambda _line: None,
    )
    reads = []

    def read(archive: Path, names: Collection[str]) -> Iterator[tuple[str, bytes]]:
        reads.append(archive)
        return read_conda_files(archive, names)

    monkeypatch.setitem(cast("dict[str, object]", stripped.READERS), "conda", read)
    pending = dict.fromkeys(claims, "its content differs")
    verdicts = {each.path: each.verdict for each in stripped.stripped(scene, pending)}
    expected = {"a": "explained", "b": "explained", "c": "changed"}
    assert verdicts == {f"opt/env/lib/{name}.so": each for name, each in expected.items()}
    assert reads == [store.path(file.hash)]
    again = {each.path: each.verdict for each in stripped.stripped(scene, pending)}
    assert again == verdicts


def entry(folder: Path, content: bytes) -> Entry:
    source = folder / digest(content)
    source.write_bytes(content)
    described = Content(digest(content), len(content), source, 0)
    return Entry(kind="file", mode=0o644, uid=0, gid=0, content=described)


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
