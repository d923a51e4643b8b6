"""Layers of assembled images: the recorded digests, and the lines of a layer's entries."""

import hashlib
import json
import tarfile
from pathlib import Path

import pytest
from msgspec.structs import replace

from orbiter.release import layers
from resolvers.errors import ExpectedError
from tests.support.oci_images import COMPRESSIONS, assembled, file, layer, write_layer

TWO = layer(("etc/one", b"1"), ("etc/two", b"2" * 3_000_000))


def sha(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def line(folder: Path, entry: tarfile.TarInfo | tuple[str, bytes]) -> str:
    (found,) = layers.read_entries(write_layer(folder, layer(entry)))
    return found.line


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_a_layer_is_read_in_any_compression(tmp_path: Path, compression: str) -> None:
    written = write_layer(tmp_path, TWO, compression)
    entries = list(layers.read_entries(written))
    assert [entry.path for entry in entries] == ["etc/one", "etc/two"]
    assert entries == list(layers.read_entries(write_layer(tmp_path, TWO)))
    members = [
        (member.name, len(tar.extractfile(member).read()))  # type: ignore[union-attr]
        for tar, member in layers.read_members(written)
    ]
    assert members == [("etc/one", 1), ("etc/two", 3_000_000)]


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_the_recorded_digests_are_those_of_the_files(tmp_path: Path, compression: str) -> None:
    image = assembled(tmp_path, TWO, layer(), compression=compression)
    recorded = layers.recorded_image(image)
    assert (recorded.digest, recorded.config) == (sha(image.manifest), sha(image.config))
    assert json.loads(image.manifest)["config"]["digest"] == recorded.config
    for found, tar in zip(recorded.layers, (TWO, layer()), strict=True):
        packed = COMPRESSIONS[compression](tar)
        assert (found.diff_id, found.digest, found.size) == (sha(tar), sha(packed), len(packed))
    assert list(layers.read_entries(image.layers[1])) == []


def test_a_layer_without_its_digest_is_an_error(tmp_path: Path) -> None:
    found = replace(write_layer(tmp_path, TWO), diff_id="sha256:" + "0" * 64)
    with pytest.raises(ExpectedError, match="have the digest sha256:"):
        list(layers.read_entries(found))


def test_bytes_after_the_last_entry_belong_to_the_digest(tmp_path: Path) -> None:
    entries = list(layers.read_entries(write_layer(tmp_path, TWO + bytes(3_000_000))))
    assert [entry.path for entry in entries] == ["etc/one", "etc/two"]


def test_the_time_does_not_count(tmp_path: Path) -> None:
    plain = line(tmp_path, file("a"))
    assert plain == line(tmp_path, file("a", mtime=1))
    assert len(plain) == 6


@pytest.mark.parametrize(
    "entry",
    [
        ("a", b"x"),
        file("b"),
        file("a", mode=0o600),
        file("a", uid=1),
        file("a", gid=1),
        file("a", type=tarfile.DIRTYPE),
        file("a", type=tarfile.SYMTYPE, linkname="x"),
        file("a", type=tarfile.SYMTYPE, linkname="y"),
        file("a", pax_headers={"SCHILY.xattr.security.capability": "x"}),
        file("a\udcff"),
    ],
)
def test_every_property_counts(tmp_path: Path, entry: tarfile.TarInfo | tuple[str, bytes]) -> None:
    assert line(tmp_path, file("a")) != line(tmp_path, entry)
