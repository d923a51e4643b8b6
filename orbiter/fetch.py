"""Fill the store with what a lock set names, from where this machine's configuration says it is."""

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import msgspec

from orbiter.origins import Configured, Origins, Sources
from orbiter.store import Entry, Store, raise_all
from resolvers.errors import ExpectedError

THREADS = 16


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
    which could not be had; what came stays in the store.
    """
    return fetch_from(Configured(sources), entries, store, progress)


def fetch_from(
    origins: Origins, entries: Iterable[Entry], store: Store, progress: Report = lambda _progress: None
) -> Fetched:
    """Like ``fetch``, from ``origins``."""
    wanted = {entry.hash: entry for entry in entries}
    missing = _missing(wanted.values(), store)
    missing.sort(key=lambda entry: (-entry.size, entry.path))  # the longest first: they end the fetch
    tally = _Tally(missing, progress)
    failures: list[ExpectedError] = []
    with ThreadPoolExecutor(THREADS) as pool:
        jobs = [pool.submit(_fetch, entry, store, origins, tally) for entry in missing]
        try:
            failures.extend(failure for job in as_completed(jobs) if (failure := job.result()))
        except BaseException:
            tally.stop()
            pool.shutdown(cancel_futures=True)
            raise
    raise_all("could not be fetched", sorted(failures, key=str))
    return Fetched(count=len(missing), bytes=tally.bytes(), already=len(wanted) - len(missing))


def copy_to(entries: Iterable[Entry], store: Store, folder: Path) -> int:
    """Lay files of the store out in a folder as a store of its own, to carry elsewhere; gives their number."""
    carried = Store(folder)
    links = {entry.hash: carried.path(entry.hash) for entry in entries}
    store.link_all(links.items())
    return len(links)


def import_from(folder: Path, entries: Iterable[Entry], store: Store) -> Fetched:
    """Take files that ``copy_to`` laid out into the store; each is verified.

    Raises one ExpectedError that names every file which is not there or has other bytes.
    """
    carried = Store(folder)
    wanted = {entry.hash: entry for entry in entries}
    missing = _missing(wanted.values(), store)
    with ThreadPoolExecutor(THREADS) as pool:
        failures = [failure for failure in pool.map(lambda e: _import(e, carried, store), missing) if failure]
    raise_all("could not be imported", failures)
    size = sum(store.path(entry.hash).stat().st_size for entry in missing)
    return Fetched(count=len(missing), bytes=size, already=len(wanted) - len(missing))


def _missing(entries: Iterable[Entry], store: Store) -> list[Entry]:
    return [entry for entry in entries if not store.has(entry.hash, entry.size)]


def _import(entry: Entry, carried: Store, store: Store) -> ExpectedError | None:
    path = carried.path(entry.hash)
    try:
        store.add(path, entry.hash, name=entry.path)
    except FileNotFoundError:
        return ExpectedError(
            f"{entry.path} is not in {carried.root} ({entry.hash})",
            "run 'orbiter fetch --to FOLDER' of the same release where there is a network, and carry that folder",
        )
    except ExpectedError as error:
        return error
    return None


def _fetch(entry: Entry, store: Store, origins: Origins, tally: "_Tally") -> ExpectedError | None:
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
    except ExpectedError as error:  # whom to ask cannot be found out
        failures.append(error)
    return origins.failure(entry, failures)


class _StoppedError(Exception):
    """Ends the threads of a fetch that was interrupted."""


class _Tally:
    """Adds up what the threads have done."""

    def __init__(self, entries: list[Entry], report: Report) -> None:
        self._done = dict.fromkeys(entries, 0)
        self._total = {entry: entry.size for entry in entries}
        self._finished = 0
        self._sums = [0, sum(self._total.values())]
        self._report = report
        self._stopped = False
        self._lock = threading.Lock()

    def update(self, entry: Entry, done: int, total: int) -> None:
        if self._stopped:
            raise _StoppedError
        with self._lock:
            self._sums[0] += done - self._done[entry]
            self._sums[1] += total - self._total[entry]
            self._done[entry], self._total[entry] = done, total
            self._tell()

    def finish(self, entry: Entry, size: int) -> None:
        self.update(entry, size, size)
        with self._lock:
            self._finished += 1
            self._tell()

    def stop(self) -> None:
        self._stopped = True

    def bytes(self) -> int:
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
