"""Image archives: the digests in them, and the lines of a layer's entries."""

import hashlib
import tarfile
from pathlib import Path

import pytest
from msgspec.structs import replace

from orbiter.lockset.record import RecordedLayer
from orbiter.release import layers
from orbiter.release.layers import LayerEntry
from resolvers.errors import ExpectedError
from tests.support.oci_images import AMD64, ARM64, COMPRESSIONS, archive, file, layer

TWO = layer(("etc/one", b"1"), ("etc/two", b"2" * 3_000_000))


def read(
    path: Path, tar: bytes, compression: str = "zstd"
) -> tuple[RecordedLayer, list[LayerEntry]]:
    (found,) = layers.read_images(archive(path / "a.tar", {AMD64: (tar,)}, compression))[
        AMD64
    ].layers
    return found, list(layers.read_entries(path / "a.tar", found))


def line(path: Path, entry: tarfile.TarInfo | tuple[str, bytes]) -> str:
    (found,) = read(path, layer(entry))[1]
    return found.line


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_a_layer_is_read_in_any_compression(tmp_path: Path, compression: str) -> None:
    found, entries = read(tmp_path, TWO, compression)
    packed = COMPRESSIONS[compression](TWO)
    assert found.diff_id == "sha256:" + hashlib.sha256(TWO).hexdigest()
    assert (found.digest, found.size) == (
        "sha256:" + hashlib.sha256(packed).hexdigest(),
        len(packed),
    )
    assert [entry.path for entry in entries] == ["etc/one", "etc/two"]
    assert entries == read(tmp_path, TWO)[1]


def test_images_of_several_platforms(tmp_path: Path) -> None:
    found = layers.read_images(archive(tmp_path / "a.tar", {AMD64: (TWO,), ARM64: (TWO, layer())}))
    assert {platform: len(image.layers) for platform, image in found.items()} == {
        AMD64: 1,
        ARM64: 2,
    }
    assert list(layers.read_entries(tmp_path / "a.tar", found[ARM64].layers[1])) == []


def test_a_layer_without_its_digest_is_an_error(tmp_path: Path) -> None:
    found, _ = read(tmp_path, TWO)
    with pytest.raises(ExpectedError, match="have the digest sha256:"):
        list(layers.read_entries(tmp_path / "a.tar", replace(found, diff_id="sha256:" + "0" * 64)))


def test_the_time_has_digits_of_its_own(tmp_path: Path) -> None:
    plain, later = line(tmp_path, file("a")), line(tmp_path, file("a", mtime=1))
    assert plain[:6] == later[:6]
    assert plain[6:] != later[6:]
    assert len(plain) == 9


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
    plain, other = line(tmp_path, file("a")), line(tmp_path, entry)
    assert plain[:6] != other[:6]
    assert plain[6:] == other[6:]
