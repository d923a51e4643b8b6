"""Threads end in the middle of long work if their caller fails."""

import gzip
import io
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path

import pytest

from orbiter import threads
from orbiter.assembly.compression import CHUNK, Sink, compress
from orbiter.assembly.raw_layer import uncompressed
from orbiter.audit.packages.files import hash_of
from orbiter.store.store import hash_file
from orbiter.threads import StoppedError, raise_if_stopped, stoppable_threads


class CallerError(Exception):
    """The error of a caller."""


def interrupted(work: Callable[[], object]) -> Future[object]:
    """Return the result of some work that begins after its caller has failed."""
    started = threading.Event()

    def begin() -> object:
        started.set()
        assert threads._thread.stop.wait(60)
        return work()

    with suppress(CallerError), stoppable_threads(1) as pool:
        job = pool.submit(begin)
        assert started.wait(60)
        raise CallerError
    return job


def write_some(target: Sink) -> None:
    target.write(bytes(CHUNK))


@pytest.mark.parametrize(
    "work",
    [
        lambda folder: compress(folder / "layer", "zstd", write_some),
        lambda folder: compress(folder / "layer", "gzip", write_some),
        lambda folder: uncompressed(folder / "file.gz", folder),
        lambda folder: hash_file(folder / "file.gz", "sha256"),
        lambda _folder: hash_of(io.BytesIO(bytes(CHUNK))),
    ],
    ids=["zstd", "gzip", "decompress", "hash", "package"],
)
def test_long_work_ends_at_its_next_chunk(work: Callable[[Path], object], tmp_path: Path) -> None:
    (tmp_path / "file.gz").write_bytes(gzip.compress(bytes(CHUNK)))
    assert isinstance(interrupted(lambda: work(tmp_path)).exception(), StoppedError)
    assert not (tmp_path / "file.gz.tar").exists()


def test_waiting_work_does_not_begin() -> None:
    with suppress(CallerError), stoppable_threads(1) as pool:
        pool.submit(lambda: threads._thread.stop.wait(60))
        waiting = pool.submit(raise_if_stopped)
        raise CallerError
    assert waiting.cancelled()


def test_work_without_an_error_is_complete() -> None:
    with stoppable_threads(2) as pool:
        assert list(pool.map(lambda _each: raise_if_stopped(), range(4))) == [None] * 4
    raise_if_stopped()  # this thread is not one of them
