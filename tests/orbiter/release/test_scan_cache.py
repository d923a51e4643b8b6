"""The cache of layers' contents, with a real ELF file."""

from pathlib import Path

import pytest

from orbiter.release import scan_cache
from orbiter.release.image_scan import scan_layer
from orbiter.release.scan_cache import read_scan
from tests.support.oci_images import AMD64, ARM64, layer, write_layer
from tests.support.paths import TESTS

ELF = (TESTS / "data/elf/egl.cpython-313-x86_64-linux-gnu.so").read_bytes()
SITE = "opt/env/lib/python3.13/site-packages"
RECORD = f"{SITE}/glcontext-3.1.0.dist-info/RECORD"
CONTENT = layer((f"{SITE}/egl.so", ELF), (RECORD, b"egl.so,,\n"), ("usr/bin/.wh.env", b""))


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORBITER_CACHE_DIR", str(tmp_path / "cache"))


def test_a_layer_is_read_once(tmp_path: Path) -> None:
    written = write_layer(tmp_path, CONTENT)
    expected = scan_layer(written, AMD64)
    assert expected.needed
    assert expected.records
    assert expected.removed
    assert read_scan(written, AMD64) == expected
    written.path.unlink()
    assert read_scan(written, AMD64) == expected


def test_platforms_differ(tmp_path: Path) -> None:
    written = write_layer(tmp_path, CONTENT)
    assert read_scan(written, AMD64).needed
    assert not read_scan(written, ARM64).needed


@pytest.mark.parametrize("content", [b"", b"\x81", b"\xc1" * 100])
def test_a_broken_file_of_the_cache_is_replaced(tmp_path: Path, content: bytes) -> None:
    written = write_layer(tmp_path, CONTENT)
    expected = read_scan(written, AMD64)
    (kept,) = (tmp_path / "cache/assembly/scans").iterdir()
    kept.write_bytes(content)
    assert read_scan(written, AMD64) == expected
    assert kept.read_bytes() != content


def test_another_format_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = write_layer(tmp_path, CONTENT)
    read_scan(written, AMD64)
    written.path.unlink()
    monkeypatch.setattr(scan_cache, "FORMAT", scan_cache.FORMAT + 1)
    with pytest.raises(FileNotFoundError):
        read_scan(written, AMD64)


def test_a_path_that_is_not_utf8_is_not_kept(tmp_path: Path) -> None:
    written = write_layer(tmp_path, layer(("opt/env/\udcff", b"")))
    assert read_scan(written, AMD64).paths == {"opt/env/\udcff"}
    assert not list((tmp_path / "cache/assembly/scans").iterdir())
