"""FetchProgress and totals of a fetch that runs in many threads."""

import threading
from collections.abc import Callable, Hashable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any, TypeVar

import msgspec

from orbiter.sizes import MEGABYTE

THREADS = 16
K = TypeVar("K")
T = TypeVar("T")


class FetchProgress(msgspec.Struct, frozen=True, kw_only=True):
    """How far a fetch is; ``total_bytes`` grows while sizes become known, and may be 0."""

    bytes: int
    total_bytes: int
    files: int
    total_files: int


class FetchTotals(msgspec.Struct, frozen=True, kw_only=True):
    """What a fetch did: files and bytes that came, and files that were there ``already``."""

    count: int
    bytes: int
    already: int


ReportProgress = Callable[[FetchProgress], None]


def run_parallel(work: Callable[[K], T], items: Iterable[K], tally: "ProgressCounter") -> list[T]:
    """What ``work`` gives for each item, many at once and in no order; the first error ends it all."""
    with ThreadPoolExecutor(THREADS) as pool:
        jobs = [pool.submit(work, item) for item in items]
        try:
            return [job.result() for job in as_completed(jobs)]
        except BaseException:
            tally.stop()
            pool.shutdown(cancel_futures=True)
            raise


class _StoppedError(Exception):
    """Ends the threads of a fetch that was interrupted."""


class ProgressCounter:
    """Adds up what the threads have done; made with the size of each thing in bytes, 0 for unknown."""

    def __init__(self, sizes: Mapping[Any, int], report: ReportProgress) -> None:
        self._done: dict[Hashable, int] = dict.fromkeys(sizes, 0)
        self._total: dict[Hashable, int] = dict(sizes)
        self._finished = 0
        self._sums = [0, sum(self._total.values())]
        self._report = report
        self._stopped = False
        self._lock = threading.Lock()

    def update(self, what: Hashable, done: int, total: int) -> None:
        """So much of a thing is done; raises when the work was stopped."""
        if self._stopped:
            raise _StoppedError
        with self._lock:
            self._sums[0] += done - self._done[what]
            self._sums[1] += total - self._total[what]
            self._done[what], self._total[what] = done, total
            self._tell()

    def finish(self, what: Hashable, size: int) -> None:
        """A thing is done."""
        self.update(what, size, size)
        with self._lock:
            self._finished += 1
            self._tell()

    def stop(self) -> None:
        """Let every thread end at its next update."""
        self._stopped = True

    def bytes(self) -> int:
        """What is done, in all."""
        return self._sums[0]

    def _tell(self) -> None:
        self._report(
            FetchProgress(
                bytes=self._sums[0],
                total_bytes=self._sums[1],
                files=self._finished,
                total_files=len(self._done),
            )
        )


def format_progress(state: "FetchProgress") -> str:
    """How far a fetch is, for people."""
    total = f" of {state.total_bytes / MEGABYTE:.0f}" if state.total_bytes else ""
    return f"{state.files} of {state.total_files} files, {state.bytes / MEGABYTE:.0f}{total} MB"


def format_totals(done: "FetchTotals") -> str:
    """What a fetch did, for people."""
    return f"{done.count} files fetched ({done.bytes / MEGABYTE:.0f} MB), {done.already} were there"
