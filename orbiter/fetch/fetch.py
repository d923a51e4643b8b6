"""Fill the store with what a lock set names, from where this machine's configuration says it is."""

from collections.abc import Iterable

from orbiter.fetch.progress import FetchTotals, ProgressCounter, ReportProgress, run_parallel
from orbiter.fetch.sources import FetchSettings, Locator, LocatorError, UpstreamLocator
from orbiter.store.artifact_list import LockedFile
from orbiter.store.store import Store, raise_all
from resolvers.errors import ExpectedError


def fetch(
    entries: Iterable[LockedFile],
    store: Store,
    sources: FetchSettings,
    progress: ReportProgress = lambda _progress: None,
) -> FetchTotals:
    """Fetch all files that the store lacks, many at once, from where this machine is configured to.

    ``progress`` is called from one thread at a time, often. Raises one ExpectedError that names every file
    which could not be had, or OriginsError; what came stays in the store.
    """
    return fetch_from(UpstreamLocator(sources), entries, store, progress)


def fetch_from(
    origins: Locator,
    entries: Iterable[LockedFile],
    store: Store,
    progress: ReportProgress = lambda _progress: None,
) -> FetchTotals:
    """Like ``fetch``, from ``origins``."""
    wanted = {entry.hash: entry for entry in entries}
    missing = _missing(wanted.values(), store)
    missing.sort(
        key=lambda entry: (-entry.size, entry.path)
    )  # the longest first: they end the fetch
    tally = ProgressCounter({entry: entry.size for entry in missing}, progress)
    done = run_parallel(lambda entry: _fetch(entry, store, origins, tally), missing, tally)
    raise_all("could not be fetched", sorted((failure for failure in done if failure), key=str))
    return FetchTotals(count=len(missing), bytes=tally.bytes(), already=len(wanted) - len(missing))


def _missing(entries: Iterable[LockedFile], store: Store) -> list[LockedFile]:
    return [entry for entry in entries if not store.has(entry.hash, entry.size)]


def _fetch(
    entry: LockedFile, store: Store, origins: Locator, tally: "ProgressCounter"
) -> ExpectedError | None:
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
    except LocatorError:
        raise
    except ExpectedError as error:  # whom to ask for this file cannot be found out
        failures.append(error)
    return origins.failure(entry, failures)
