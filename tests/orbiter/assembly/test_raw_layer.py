"""Layers of BuildKit and of registries, read from tar files that the tests make."""

import gzip
import io
import sys
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from orbiter.assembly.raw_layer import RawLayer, read_layer, uncompressed
from orbiter.assembly.tree import Entry
from resolvers.errors import ExpectedError
from tests.support.hostile_tar import tar_of_negative_size, tar_with_a_wrong_sparse_map
from tests.support.raw_layouts import (
    Member,
    device,
    folder,
    hard_link,
    link,
    member,
    tar,
    xattr,
)

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

CAPABILITY = b"\x01\x00\x00\x02\x00\x20\x00\x00\x00\x00\x00\x00\xff\x80\n\x00\x00\x00\x00\x00"


def read(tmp_path: Path, *members: Member) -> RawLayer:
    return read_bytes(tmp_path, tar(*members))


def read_bytes(tmp_path: Path, content: bytes) -> RawLayer:
    (tmp_path / "layer").write_bytes(content)
    return read_layer(tmp_path / "layer")


def go_header(size: int, records: Mapping[str, bytes]) -> bytes:
    """Return a pax header as Go writes it: bytes that are not UTF-8 stay as they are."""
    body = b""
    for key, value in records.items():
        text = b" %s=%s\n" % (key.encode(), value)
        body += b"%d%s" % (len(text) + 2, text)  # the length includes its own two digits
    info = tarfile.TarInfo("PaxHeaders.0/x")
    info.type, info.size = tarfile.XHDTYPE, len(body)
    file = tarfile.TarInfo("x")
    file.size = size
    padded = body + bytes(-len(body) % 512)
    return info.tobuf(tarfile.USTAR_FORMAT) + padded + file.tobuf(tarfile.USTAR_FORMAT)


def test_every_kind_of_entry(tmp_path: Path) -> None:
    layer = read(
        tmp_path,
        folder("./", mode=0o700),
        folder("./usr/", mode=0o2755, uid=1, gid=2),
        member("usr/sudo", b"#!", mode=0o104755, uid=3_000_000),
        link("usr/link", "../etc/target", uid=7),
        hard_link("usr/same", "./usr/sudo"),
        device("dev/null"),
        device("pipe", tarfile.FIFOTYPE),
    )
    assert list(layer.entries) == ["usr", "usr/sudo", "usr/link"]
    assert layer.entries["usr"] == Entry(kind="folder", mode=0o2755, uid=1, gid=2)
    assert layer.entries["usr/link"] == Entry(
        kind="link", mode=0o777, uid=7, gid=0, target="../etc/target"
    )
    sudo = layer.entries["usr/sudo"]
    assert (sudo.kind, sudo.mode, sudo.uid) == ("file", 0o4755, 3_000_000)
    assert sudo.content
    assert sudo.content.read() == b"#!"
    assert layer.hard_links == {"usr/same": "usr/sudo"}
    assert layer.dropped == {"dev/null", "pipe"}


def test_the_permissions_of_links_do_not_matter(tmp_path: Path) -> None:
    one = read(tmp_path, link("a", "b"))
    other = read(tmp_path, member("a", type=tarfile.SYMTYPE, linkname="b", mode=0o755))
    assert one == other


def test_what_a_layer_removes(tmp_path: Path) -> None:
    layer = read(
        tmp_path,
        member(".wh.top"),
        member("etc/.wh.file"),
        member("etc/folder/.wh..wh..opq"),
        member(".wh..wh..opq"),
    )
    assert layer.removed == {"top", "etc/file"}
    assert layer.opaque == {"etc/folder", ""}
    assert layer.entries == {}


def test_attributes_are_sorted_and_binary(tmp_path: Path) -> None:
    headers = xattr("user.z", b"1") | xattr("security.capability", CAPABILITY)
    content = read(tmp_path, member("x", pax_headers=headers)).entries["x"].attributes
    assert [name for name, _ in content] == ["security.capability", "user.z"]
    assert content[0][1].encode(errors="surrogateescape") == CAPABILITY


def test_headers_as_go_writes_them(tmp_path: Path) -> None:
    name = "opt/caf\udce9/" + "x" * 60
    records = {
        "path": name.encode(errors="surrogateescape"),
        "SCHILY.xattr.security.capability": CAPABILITY,
    }
    header = go_header(2, records)
    layer = read_bytes(tmp_path, header + b"ab" + bytes(510) + bytes(1024))
    assert list(layer.entries) == [name]
    entry = layer.entries[name]
    assert entry.content
    assert entry.content.read() == b"ab"
    assert entry.attributes == (
        ("security.capability", CAPABILITY.decode(errors="surrogateescape")),
    )


def test_the_digest_is_that_of_the_bytes_at_the_offset(tmp_path: Path) -> None:
    content = bytes(range(256)) * 8192  # more than is read at once
    layer = read(tmp_path, member("first", b"1"), member("x", content), member("empty"))
    found = layer.entries["x"].content
    assert found
    assert found.read() == content
    assert len(found.digest) == 64
    assert layer.entries["empty"].content
    assert layer.entries["empty"].content.size == 0


@pytest.mark.parametrize("compress", [bytes, gzip.compress, zstd.compress])
def test_layers_of_registries_are_compressed(tmp_path: Path, compress: object) -> None:
    assert callable(compress)
    content = tar(member("x", b"1" * 10_000))
    blob = tmp_path / "blob"
    blob.write_bytes(compress(content))
    (tmp_path / "scratch").mkdir()
    path = uncompressed(blob, tmp_path / "scratch")
    assert path.read_bytes() == content
    assert (path == blob) == (compress is bytes)
    assert uncompressed(blob, tmp_path / "scratch") == path


@pytest.mark.parametrize("content", [b"", b"no tar file", b"x" * 2000])
def test_another_file_is_an_error(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(ExpectedError, match="a layer of the build cannot be read") as caught:
        read_bytes(tmp_path, content)
    assert "--no-cache" in caught.value.hint


def test_an_empty_layer_has_no_entries(tmp_path: Path) -> None:
    assert read(tmp_path) == RawLayer({}, {}, frozenset(), frozenset(), frozenset())


def test_a_broken_header_is_not_the_end(tmp_path: Path) -> None:
    content = bytearray(tar(member("first", b"1"), member("second", b"2"), member("third")))
    content[1024 + 3] ^= 1  # in the name of the second entry, so the checksum is wrong
    with pytest.raises(ExpectedError, match="the header at byte 1024 is broken"):
        read_bytes(tmp_path, bytes(content))


@pytest.mark.parametrize("cut", [100, 512, 700, 1124, 1536, 1600])
def test_a_file_that_ends_within_an_entry_is_an_error(tmp_path: Path, cut: int) -> None:
    whole = tar(member("first", b"1" * 512), member("second", b"2" * 512))
    with pytest.raises(ExpectedError):
        read_bytes(tmp_path, whole[:cut])


def test_a_tar_file_may_end_without_empty_blocks(tmp_path: Path) -> None:
    buffer = io.BytesIO(tar(member("first", b"1")))
    assert list(read_bytes(tmp_path, buffer.getvalue()[:1024]).entries) == ["first"]


@pytest.mark.parametrize("content", [tar_of_negative_size(), tar_with_a_wrong_sparse_map()])
def test_a_hostile_header_is_an_error(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(ExpectedError, match="a layer of the build cannot be read"):
        read_bytes(tmp_path, content)
