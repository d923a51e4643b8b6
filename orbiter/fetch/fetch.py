"""Downloads locked files into the store, many at the same time."""

from collections.abc import Iterable

from orbiter.fetch.progress import FetchTotals, ProgressCounter, ReportProgress, run_parallel
from orbiter.fetch.sources import FetchSettings, Locator, LocatorError, UpstreamLocator
from orbiter.store.artifact_list import LockedFile
from orbiter.store.store import Store, raise_all
from resolvers.errors import DiskError, ExpectedError


def fetch(
    files: Iterable[LockedFile],
    store: Store,
    settings: FetchSettings,
    progress: ReportProgress = lambda _progress: None,
) -> FetchTotals:
    """Download all files that the store lacks from the sources that this machine configures.

    ``progress`` is called often, by one thread at a time. Raises LocatorError, DiskError, or one
    ExpectedError that names every failed file; the other files stay in the store.
    """
    return fetch_from(UpstreamLocator(settings), files, store, progress)


def fetch_from(
    locator: Locator,
    files: Iterable[LockedFile],
    store: Store,
    progress: ReportProgress = lambda _progress: None,
) -> FetchTotals:
    """Download all files that the store lacks from the sources of one locator; see ``fetch``."""
    unique = {file.hash: file for file in files}
    missing = [file for file in unique.values() if not store.has(file.hash, file.size)]
    # The largest files first, because the last download decides when the fetch ends.
    missing.sort(key=lambda file: (-file.size, file.path))
    counter = ProgressCounter({file: file.size for file in missing}, progress)
    results = run_parallel(lambda file: _fetch(file, store, locator, counter), missing)
    failures = [failure for failure in results if failure]
    raise_all("could not be fetched", sorted(failures, key=str))
    return FetchTotals(
        files=len(missing), bytes=counter.bytes(), present=len(unique) - len(missing)
    )


def _fetch(
    file: LockedFile, store: Store, locator: Locator, counter: ProgressCounter
) -> ExpectedError | None:
    """Download one file from the first source that has it; return the error if none has it."""
    failures: list[ExpectedError] = []

    def report(current: int, size: int) -> None:
        counter.update(file, current, size)

    try:
        for name, opener in locator.locate(file):
            try:
                store.download(file.hash, opener, name=name, size=file.size, progress=report)
            except DiskError:
                raise  # the files of other sources do not fit either
            except ExpectedError as error:
                failures.append(error)
            else:
                counter.finish(file, store.path(file.hash).stat().st_size)
                return None
    except (DiskError, LocatorError):
        raise
    except ExpectedError as error:  # this file has no sources
        failures.append(error)
    return locator.failure(file, failures)
