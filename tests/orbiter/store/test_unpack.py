"""Archives as tar files: every format, the same bytes each time, and hostile members refused."""

import io
import stat
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orbiter.store.unpack import Layout, Owner, write_tar
from resolvers.errors import ExpectedError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

TIME = 946684800
ROOT = Layout(1, Owner(), TIME)


def member(name: str, content: bytes = b"", **fields: object) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size, info.mtime, info.uid, info.uname = len(content), 5, 1000, "somebody"
    for field, value in fields.items():
        setattr(info, field, value)
    return info, content


def link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tuple[tarfile.TarInfo, bytes]:
    return member(name, type=kind, linkname=target)


def folder(name: str) -> tuple[tarfile.TarInfo, bytes]:
    return member(name, type=tarfile.DIRTYPE, mode=0o700)


TREE = (
    folder("app-1"),
    folder("app-1/empty"),
    member("app-1/bin/run", b"#!/bin/sh\n", mode=0o4711),
    member("./app-1/README", b"text", mode=0o600),
    link("app-1/bin/other", "../bin/run"),
    link("app-1/hard", "app-1/bin/run", tarfile.LNKTYPE),
)


def tar(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for info, content in members:
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def compressed(kind: str) -> bytes:
    if kind == "zst":
        return zstd.compress(tar(*TREE))
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=f"w:{kind}") as archive:  # type: ignore[call-overload]
        for info, content in TREE:
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for info, content in TREE[:-1]:
            kinds = {tarfile.SYMTYPE: stat.S_IFLNK, tarfile.DIRTYPE: stat.S_IFDIR}
            entry = zipfile.ZipInfo(info.name + "/" * info.isdir())
            entry.external_attr = (kinds.get(info.type, stat.S_IFREG) | info.mode) << 16
            archive.writestr(entry, info.linkname if info.issym() else content)
    return buffer.getvalue()


def converted(place: Path, content: bytes, layout: Layout = ROOT) -> bytes:
    (place / "archive").write_bytes(content)
    write_tar(place / "archive", place / "copy.tar", layout, "https://example.org/archive")
    return (place / "copy.tar").read_bytes()


def rows(content: bytes) -> list[tuple[str, int, bytes, str]]:
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        assert {(info.mtime, info.uname) for info in archive} == {(TIME, "")}
        return [(info.name, info.mode, info.type, info.linkname) for info in archive]


EXPECTED = [
    ("bin/run", 0o755, tarfile.REGTYPE, ""),
    ("README", 0o644, tarfile.REGTYPE, ""),
    ("bin/other", 0o777, tarfile.SYMTYPE, "../bin/run"),
    ("hard", 0o644, tarfile.LNKTYPE, "bin/run"),
    ("empty", 0o755, tarfile.DIRTYPE, ""),
]


@pytest.mark.parametrize("kind", ["", "gz", "bz2", "xz", "zst"])
def test_every_kind_of_tar_gives_the_same_bytes(tmp_path: Path, kind: str) -> None:
    plain = converted(tmp_path, tar(*TREE))
    assert rows(plain) == EXPECTED
    assert converted(tmp_path, compressed(kind)) == plain


def test_zip_files_have_links_and_modes(tmp_path: Path) -> None:
    assert rows(converted(tmp_path, zipped())) == [row for row in EXPECTED if row[0] != "hard"]


def test_an_owner_is_in_the_copy(tmp_path: Path) -> None:
    copy = converted(tmp_path, tar(*TREE), Layout(1, Owner(1000, 100), TIME))
    with tarfile.open(fileobj=io.BytesIO(copy)) as archive:
        assert {(info.uid, info.gid) for info in archive} == {(1000, 100)}


@pytest.mark.parametrize(
    ("members", "problem"),
    [
        ([member("a/../../etc/passwd", b"x")], "outside of the archive's folder"),
        ([link("a/x", "/etc")], "links to '/etc'"),
        ([link("a/x", "../../etc")], "links to '../../etc'"),
        ([link("a/x", "../a/y")], "links to '../a/y'"),
        ([link("a/b", "c/.."), link("a/c", ".."), member("a/f")], "links to"),
        ([link("a/d/b", ".."), link("a/e", "d/b/../..")], "links to 'd/b/../..'"),
        ([link("a/x", "a/none", tarfile.LNKTYPE)], "links to 'a/none'"),
        ([link("a/x", "../../etc/shadow", tarfile.LNKTYPE)], "is outside of"),
        ([link("a/x", "."), member("a/x/y", b"x")], "is below 'x', not a folder"),
        ([member("a/x/y", b"x"), link("a/x", ".")], "is listed twice"),
        ([member("a/x", b"x"), folder("a/x")], "is listed twice"),
        ([member("a/x", type=tarfile.CHRTYPE)], "is neither a file, a folder nor a link"),
        ([member("a/x", type=tarfile.FIFOTYPE)], "is neither a file, a folder nor a link"),
        ([link("a/x", "y"), member("a/x", b"second")], "is listed twice"),
        ([member("a/x", b"1"), member("./a//x", b"2")], "is listed twice"),
        ([link("a/x", "a/x", tarfile.LNKTYPE)], "links to 'a/x'"),
        ([member("a/x\ny", b"x")], "has a control character in its name"),
        ([member("a/\x1b[31mx", b"x")], "has a control character in its name"),
        ([member("a", b"x")], "nothing is left to unpack"),
    ],
)
def test_hostile_members_are_refused(
    tmp_path: Path, members: list[tuple[tarfile.TarInfo, bytes]], problem: str
) -> None:
    with pytest.raises(ExpectedError, match=problem) as caught:
        converted(tmp_path, tar(*members))
    assert caught.value.message.startswith("https://example.org/archive: ")


def test_a_link_that_leads_through_many_others_ends(tmp_path: Path) -> None:
    links = [link(f"a/{number}", f"{number + 1}/{number + 1}") for number in range(60)]
    assert rows(converted(tmp_path, tar(*links, link("a/loop", "loop"))))


def cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


@pytest.mark.parametrize(
    "damage",
    [
        lambda: b"<html>not found</html>",
        lambda: b"",
        lambda: b"PK\x03\x04 and no more",
        lambda: cut(compressed("xz")),
        lambda: cut(compressed("gz")),
        lambda: cut(compressed("bz2")),
        lambda: cut(compressed("zst")),
        lambda: zipped().replace(b"#!/bin", b"#!/etc"),
    ],
)
def test_damaged_archives_are_refused(tmp_path: Path, damage: Callable[[], bytes]) -> None:
    with pytest.raises(ExpectedError, match="cannot be unpacked") as caught:
        converted(tmp_path, damage())
    assert "tar.zst or zip" in caught.value.hint


PART = st.sampled_from(["a", "b", "..", ".", ""])
NAME = st.lists(PART, min_size=1, max_size=4).map("/".join)
KIND = st.sampled_from([tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE])
MEMBERS = st.lists(st.tuples(NAME, KIND, NAME), max_size=6)


@given(MEMBERS, st.integers(min_value=0, max_value=2))
@settings(deadline=None, max_examples=300)
def test_nothing_that_is_accepted_leaves_the_folder(
    members: list[tuple[str, bytes, str]], strip: int
) -> None:
    archive = tar(*(member(name, type=kind, linkname=link) for name, kind, link in members))
    with TemporaryDirectory() as folder:
        place = Path(folder)
        try:
            copy = converted(place, archive, Layout(strip, Owner(), TIME))
        except ExpectedError:
            return
        target = place / "outer/target"
        target.mkdir(parents=True)
        with tarfile.open(fileobj=io.BytesIO(copy)) as opened:
            # Python's own filter raises for each member that would leave the folder.
            opened.extractall(target, filter="data")
        assert [path.name for path in (place / "outer").iterdir()] == ["target"]
