"""Fill the store with what a lock set names, from where this machine's configuration says it is."""

import threading
from collections.abc import Callable, Hashable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any, TypeVar

import msgspec

from orbiter.origins import Configured, Origins, OriginsError, Sources
from orbiter.store import Entry, Store, raise_all
from resolvers.errors import ExpectedError

THREADS = 16
K = TypeVar("K")
T = TypeVar("T")


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far a fetch is; ``total_bytes`` grows while sizes become known, and may be 0."""

    bytes: int
    total_bytes: int
    files: int
    total_files: int


class Fetched(msgspec.Struct, frozen=True, kw_only=True):
    """What a fetch did: files and bytes that came, and files that were there ``already``."""

    count: int
    bytes: int
    already: int


Report = Callable[[Progress], None]


def fetch(
    entries: Iterable[Entry], store: Store, sources: Sources, progress: Report = lambda _progress: None
) -> Fetched:
    """Fetch all files that the store lacks, many at once, from where this machine is configured to.

    ``progress`` is called from one thread at a time, often. Raises one ExpectedError that names every file
    which could not be had, or OriginsError; what came stays in the store.
    """
    return fetch_from(Configured(sources), entries, store, progress)


def fetch_from(
    origins: Origins, entries: Iterable[Entry], store: Store, progress: Report = lambda _progress: None
) -> Fetched:
    """Like ``fetch``, from ``origins``."""
    wanted = {entry.hash: entry for entry in entries}
    missing = _missing(wanted.values(), store)
    missing.sort(key=lambda entry: (-entry.size, entry.path))  # the longest first: they end the fetch
    tally = Tally({entry: entry.size for entry in missing}, progress)
    done = side_by_side(lambda entry: _fetch(entry, store, origins, tally), missing, tally)
    raise_all("could not be fetched", sorted((failure for failure in done if failure), key=str))
    return Fetched(count=len(missing), bytes=tally.bytes(), already=len(wanted) - len(missing))


def side_by_side(work: Callable[[K], T], items: Iterable[K], tally: "Tally") -> list[T]:
    """What ``work`` gives for each item, many at once and in no order; the first error ends it all."""
    with ThreadPoolExecutor(THREADS) as pool:
        jobs = [pool.submit(work, item) for item in items]
        try:
            return [job.result() for job in as_completed(jobs)]
        except BaseException:
            tally.stop()
            pool.shutdown(cancel_futures=True)
            raise


def _missing(entries: Iterable[Entry], store: Store) -> list[Entry]:
    return [entry for entry in entries if not store.has(entry.hash, entry.size)]


def _fetch(entry: Entry, store: Store, origins: Origins, tally: "Tally") -> ExpectedError | None:
    """Fetch one file from the first of its origins that has it; gives the error instead of raising it."""
    failures: list[ExpectedError] = []

    def tell(done: int, total: int) -> None:
        tally.update(entry, done, total)

    try:
        for name, source in origins.of(entry):
            try:
                store.download(entry.hash, source, name=name, size=entry.size, progress=tell)
            except ExpectedError as error:
                failures.append(error)
            else:
                tally.finish(entry, store.path(entry.hash).stat().st_size)
                return None
    except OriginsError:
        raise
    except ExpectedError as error:  # whom to ask for this file cannot be found out
        failures.append(error)
    return origins.failure(entry, failures)


class _StoppedError(Exception):
    """Ends the threads of a fetch that was interrupted."""


class Tally:
    """Adds up what the threads have done; made with the size of each thing in bytes, 0 for unknown."""

    def __init__(self, sizes: Mapping[Any, int], report: Report) -> None:
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
            Progress(
                bytes=self._sums[0],
                total_bytes=self._sums[1],
                files=self._finished,
                total_files=len(self._done),
            )
        )
