"""Progress and totals of a fetch that runs in many threads."""

import threading
from collections.abc import Callable, Hashable, Iterable, Mapping
from concurrent.futures import as_completed
from typing import Any, TypeVar

import msgspec

from orbiter.sizes import MEGABYTE
from orbiter.threads import raise_if_stopped, stoppable_threads

THREADS = 16
K = TypeVar("K")
T = TypeVar("T")


class FetchProgress(msgspec.Struct, frozen=True, kw_only=True):
    """Progress of a fetch; ``total_bytes`` grows as sizes become known, and is 0 until then."""

    bytes: int
    total_bytes: int
    files: int
    total_files: int


class FetchTotals(msgspec.Struct, frozen=True, kw_only=True):
    """Result of a fetch: fetched files and bytes, and files that were already ``present``."""

    files: int
    bytes: int
    present: int

    def __add__(self, other: "FetchTotals") -> "FetchTotals":
        return FetchTotals(
            files=self.files + other.files,
            bytes=self.bytes + other.bytes,
            present=self.present + other.present,
        )

    def __str__(self) -> str:
        megabytes = self.bytes / MEGABYTE
        return f"{self.files} files fetched ({megabytes:.0f} MB), {self.present} already present"


ReportProgress = Callable[[FetchProgress], None]


def run_parallel(work: Callable[[K], T], items: Iterable[K]) -> list[T]:
    """Call ``work`` for each item in many threads; return the results in no particular order.

    The first error stops the other threads and is raised.
    """
    with stoppable_threads(THREADS) as pool:
        jobs = [pool.submit(work, item) for item in items]
        return [job.result() for job in as_completed(jobs)]


class ProgressCounter:
    """Adds up the progress of all threads.

    ``sizes`` maps each item to its size in bytes, 0 if the size is unknown.
    """

    def __init__(self, sizes: Mapping[Any, int], report: ReportProgress) -> None:
        self._item_bytes: dict[Hashable, int] = dict.fromkeys(sizes, 0)
        self._item_sizes: dict[Hashable, int] = dict(sizes)
        self._finished_items = 0
        self._bytes = 0
        self._total_bytes = sum(sizes.values())
        self._report_progress = report
        self._lock = threading.Lock()

    def update(self, item: Hashable, current: int, size: int) -> None:
        """Set the bytes that an item has and will have; raise if the thread was stopped."""
        raise_if_stopped()
        with self._lock:
            self._bytes += current - self._item_bytes[item]
            self._total_bytes += size - self._item_sizes[item]
            self._item_bytes[item], self._item_sizes[item] = current, size
            self._report()

    def finish(self, item: Hashable, size: int) -> None:
        """Count an item as finished."""
        self.update(item, size, size)
        with self._lock:
            self._finished_items += 1
            self._report()

    def bytes(self) -> int:
        """Return the bytes of all items so far."""
        return self._bytes

    def _report(self) -> None:
        progress = FetchProgress(
            bytes=self._bytes,
            total_bytes=self._total_bytes,
            files=self._finished_items,
            total_files=len(self._item_bytes),
        )
        self._report_progress(progress)


def format_progress(progress: FetchProgress) -> str:
    """Return the progress for people: ``3 of 9 files, 12 of 80 MB``."""
    total = f" of {progress.total_bytes / MEGABYTE:.0f}" if progress.total_bytes else ""
    megabytes = f"{progress.bytes / MEGABYTE:.0f}{total} MB"
    return f"{progress.files} of {progress.total_files} files, {megabytes}"
