"""The blobs in the cache: several writers, killed writers and damaged files."""

import multiprocessing
import os
import random
import signal
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from orbiter.assembly import blobs
from orbiter.assembly.blobs import Blobs
from orbiter.assembly.image import Layer
from orbiter.assembly.layer import LayerEntry
from orbiter.assembly.tree import Content, Entry
from tests.support.trees import folder

FORK = multiprocessing.get_context("fork")


def entries(source: Path, content: bytes) -> tuple[LayerEntry, ...]:
    source.write_bytes(content)
    described = Content(sha256(content).hexdigest(), len(content), source, 0)
    file = Entry(kind="file", mode=0o644, uid=0, gid=0, content=described)
    return (LayerEntry("x", file),)


def verified(layer: Layer) -> Layer:
    """Return a layer after a check of its file."""
    content = layer.path.read_bytes()
    assert f"sha256:{sha256(content).hexdigest()}" == layer.digest
    assert len(content) == layer.size
    return layer


@pytest.fixture
def cache(_own_cache: Path) -> Path:
    return _own_cache / "assembly"


def test_a_layer_is_written_once(tmp_path: Path, cache: Path) -> None:
    given = entries(tmp_path / "x", b"content")
    layer = verified(Blobs().layer(given, "zstd"))
    assert layer.path == cache / "blobs" / "sha256" / layer.digest.removeprefix("sha256:")
    (tmp_path / "x").unlink()  # another write would need it
    assert Blobs().layer(given, "zstd") == layer
    assert [path.name for path in (cache / "blobs" / "sha256").iterdir()] == [layer.path.name]
    assert sorted(path.name for path in cache.iterdir()) == ["blobs", "layers"]


def test_other_rules_make_the_layer_again(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = entries(tmp_path / "x", b"content")
    Blobs().layer(given, "zstd")
    monkeypatch.setattr(blobs, "ASSEMBLY", 0)
    Blobs().layer(given, "zstd")
    assert len(list((cache / "layers").iterdir())) == 2


def test_each_compression_is_a_layer_of_its_own(tmp_path: Path) -> None:
    given = entries(tmp_path / "x", b"content")
    zstd, gzip = (verified(Blobs().layer(given, name)) for name in ("zstd", "gzip"))
    assert zstd.diff_id == gzip.diff_id
    assert zstd.digest != gzip.digest
    assert (zstd.media_type[-4:], gzip.media_type[-4:]) == ("zstd", "gzip")


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


@pytest.mark.parametrize(
    "damage",
    [
        lambda blob, _record: _truncate(blob),
        lambda blob, _record: blob.unlink(),
        lambda _blob, record: _truncate(record),
        lambda _blob, record: record.write_bytes(b"[]"),
        lambda _blob, record: record.write_bytes(b"\xff"),
        lambda _blob, record: record.unlink(),
    ],
    ids=["truncated", "no blob", "truncated record", "other record", "binary record", "no record"],
)
def test_a_damaged_layer_is_made_again(
    tmp_path: Path, cache: Path, damage: Callable[[Path, Path], None]
) -> None:
    given = entries(tmp_path / "x", b"content")
    layer = Blobs().layer(given, "gzip")
    (record,) = (cache / "layers").iterdir()
    damage(layer.path, record)
    assert verified(Blobs().layer(given, "gzip")) == layer


def test_small_blobs_are_named_by_their_digest(cache: Path) -> None:
    path = Blobs().add(b"{}")
    assert path == Blobs().path(f"sha256:{sha256(b'{}').hexdigest()}")
    assert path.parent == cache / "blobs" / "sha256"
    _truncate(path)
    assert Blobs().add(b"{}").read_bytes() == b"{}"


def _write_layers(folder: Path, number: int) -> None:
    blobs = Blobs()
    for each in range(20):
        content = random.Random(each).randbytes(10_000)
        verified(blobs.layer(entries(folder / f"{number}-{each}", content), "zstd"))
        blobs.add(content)


def test_several_processes_write_the_same_layers(tmp_path: Path, cache: Path) -> None:
    writers = [FORK.Process(target=_write_layers, args=(tmp_path, number)) for number in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0] * 4
    blobs = list((cache / "blobs" / "sha256").iterdir())
    assert len(blobs) == 40
    assert all(sha256(path.read_bytes()).hexdigest() == path.name for path in blobs)
    assert list(cache.glob("new-*")) == []


def _compress(given: tuple[LayerEntry, ...]) -> None:
    Blobs().layer(given, "zstd")


def test_a_killed_writer_leaves_no_broken_blob(tmp_path: Path, cache: Path) -> None:
    # Random bytes, so that compressing takes much longer than starting it.
    given = entries(tmp_path / "x", random.Random(1).randbytes(24 << 20))
    writer = FORK.Process(target=_compress, args=(given,))
    writer.start()
    while not any(path.stat().st_size for path in cache.glob("new-*/layer")):
        assert writer.is_alive(), "the writer ended before it was killed"
        time.sleep(0.001)
    os.kill(writer.pid or 0, signal.SIGKILL)
    writer.join()
    assert writer.exitcode == -signal.SIGKILL
    assert list((cache / "blobs" / "sha256").iterdir()) == []
    assert list((cache / "layers").iterdir()) == []
    assert len(list(cache.glob("new-*"))) == 1
    verified(Blobs().layer(given, "zstd"))
    assert list(cache.glob("new-*")) == []


def test_an_error_leaves_no_broken_blob(tmp_path: Path, cache: Path) -> None:
    given = (LayerEntry("folder", folder()), *entries(tmp_path / "x", b"content"))
    (tmp_path / "x").write_bytes(b"short")
    with pytest.raises(EOFError):
        Blobs().layer(given, "gzip")
    assert list((cache / "blobs" / "sha256").iterdir()) == []
    assert list((cache / "layers").iterdir()) == []
