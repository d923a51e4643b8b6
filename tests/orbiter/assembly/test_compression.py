"""Compressed layers, read back by other libraries than those that wrote them."""

import gzip
import random
import sys
from collections.abc import Callable, Mapping
from hashlib import sha256
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orbiter.assembly.compression import MEDIA_TYPES, Compressed, Sink, compress, describe
from orbiter.config.layer_keys import Compression

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

DECOMPRESS: Mapping[Compression, Callable[[bytes], bytes]] = {
    "gzip": gzip.decompress,
    "zstd": zstd.decompress,
}
CONTENT = random.Random(1).randbytes(100_000) + b"text " * 80_000


def write(path: Path, compression: Compression, *chunks: bytes) -> Compressed:
    def write_to(target: Sink) -> None:
        for chunk in chunks:
            target.write(chunk)

    return compress(path, compression, write_to)


@pytest.mark.parametrize("compression", DECOMPRESS)
@pytest.mark.parametrize("content", [b"", b"1", CONTENT], ids=["empty", "one byte", "large"])
def test_the_bytes_come_back(tmp_path: Path, compression: Compression, content: bytes) -> None:
    result = write(tmp_path / "x", compression, content)
    stored = (tmp_path / "x").read_bytes()
    assert DECOMPRESS[compression](stored) == content
    assert result == Compressed(
        diff_id=f"sha256:{sha256(content).hexdigest()}",
        digest=f"sha256:{sha256(stored).hexdigest()}",
        size=len(stored),
    )


@pytest.mark.parametrize("compression", DECOMPRESS)
@settings(max_examples=25)
@given(cuts=st.lists(st.integers(0, len(CONTENT)), max_size=5))
def test_equal_bytes_give_an_equal_file(
    tmp_path_factory: pytest.TempPathFactory, compression: Compression, cuts: list[int]
) -> None:
    folder = tmp_path_factory.mktemp("compressed")
    bounds = sorted({0, *cuts, len(CONTENT)})
    pieces = [CONTENT[start:end] for start, end in pairwise(bounds)]
    assert write(folder / "one", compression, CONTENT) == write(
        folder / "other", compression, *pieces
    )


def test_a_gzip_file_has_no_time_and_no_name(tmp_path: Path) -> None:
    write(tmp_path / "x", "gzip", CONTENT)
    header = (tmp_path / "x").read_bytes()[:10]
    assert header[:4] == b"\x1f\x8b\x08\x00"
    assert header[4:8] == bytes(4)


def test_a_zstd_file_has_a_checksum(tmp_path: Path) -> None:
    write(tmp_path / "x", "zstd", CONTENT)
    broken = bytearray((tmp_path / "x").read_bytes())
    assert broken[4] & 0b100  # the flag in the frame header
    broken[-1] ^= 1
    with pytest.raises(zstd.ZstdError):
        zstd.decompress(bytes(broken))


def test_a_zstd_file_has_a_window_of_16_mib(tmp_path: Path) -> None:
    """The format of the window is https://www.rfc-editor.org/rfc/rfc8878#section-3.1.1.1.2."""
    write(tmp_path / "x", "zstd", CONTENT)
    descriptor = (tmp_path / "x").read_bytes()[5]
    assert 1 << (10 + (descriptor >> 3)) == 16 << 20


def test_an_existing_file_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"")
    with pytest.raises(FileExistsError):
        write(tmp_path / "x", "gzip", CONTENT)


def test_the_libraries_are_named_with_their_versions() -> None:
    assert describe("zstd") == f"zstandard {version('zstandard')}, level 10, window 24"
    assert describe("gzip") == f"zlib-ng {version('zlib-ng')}, level 9"
    assert MEDIA_TYPES["zstd"].endswith("+zstd")
    assert MEDIA_TYPES["gzip"].endswith("+gzip")
