"""Checks which locked files are still available upstream, without downloading them."""

from collections.abc import Iterable, Sequence

import msgspec

from orbiter.fetch.fill import artifacts
from orbiter.fetch.mirrors import fetch_settings
from orbiter.fetch.progress import ProgressCounter, ReportProgress, run_parallel
from orbiter.fetch.sources import (
    FetchSettings,
    HttpLocation,
    LocatorError,
    MissingUpstreamError,
    UpstreamLocator,
    is_missing_upstream,
)
from orbiter.lockset.model import LockSet
from orbiter.store.artifact_list import OWN_FILE, LockedFile
from orbiter.tasks import StartTask
from resolvers.errors import ExpectedError
from resolvers.net import http
from resolvers.redaction import redact

UNCHECKED = ("conda:", "folder:", "git:", "npm:git+", f"{OWN_FILE}:")
"""Starts of the sources that cannot be checked.

rattler knows the channels, but only downloads. Tarballs of git repositories are made from all of
their files. Own files are nowhere upstream.
"""


class MissingFile(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """A file that is no longer available; ``path`` is that in a stage's artifacts folder."""

    path: str
    reason: str


class UpstreamReport(msgspec.Struct, frozen=True, kw_only=True):
    """The availability of a lock set's files, each counted once.

    ``available`` and ``unchecked`` are numbers of files. ``unknown`` holds an error for each file
    that could not be checked.
    """

    available: int
    missing: tuple[MissingFile, ...]
    unknown: tuple[ExpectedError, ...]
    unchecked: int


def check_availability(
    lock_set: LockSet, platforms: Sequence[str], start_task: StartTask
) -> UpstreamReport:
    """Look for a lock set's artifacts on this machine's indexes, npm registry and mirrors.

    Raises ExpectedError if the mirrors cannot be determined.
    """
    report = start_task("upstream")
    result = check_files(
        artifacts(lock_set, platforms),
        fetch_settings(lock_set),
        lambda progress: report(f"{progress.files} of {progress.total_files} files"),
    )
    report("")
    return result


def check_files(
    files: Iterable[LockedFile],
    settings: FetchSettings,
    progress: ReportProgress = lambda _progress: None,
) -> UpstreamReport:
    """Look for these files upstream, for many at the same time."""
    unique = {file.source: file for file in files}
    to_check = [file for file in unique.values() if not file.source.startswith(UNCHECKED)]
    counter = ProgressCounter(dict.fromkeys(to_check, 0), progress)
    locator = UpstreamLocator(settings)

    def check(file: LockedFile) -> MissingFile | ExpectedError | None:
        result = _check_file(file, locator)
        counter.finish(file, 0)
        return result

    results = run_parallel(check, to_check)
    missing = [result for result in results if isinstance(result, MissingFile)]
    unknown = [result for result in results if isinstance(result, ExpectedError)]
    return UpstreamReport(
        available=results.count(None),
        missing=tuple(sorted(missing)),
        unknown=tuple(sorted(unknown, key=str)),
        unchecked=len(unique) - len(to_check),
    )


def _check_file(file: LockedFile, locator: UpstreamLocator) -> MissingFile | ExpectedError | None:
    """Return None for an available file, or an error if no source gave a clear answer."""
    failures: list[ExpectedError] = []
    try:
        for location in locator.http_locations(file):
            try:
                check_location(location, file)
            except ExpectedError as error:
                failures.append(error)
            else:
                return None
    except LocatorError:
        raise
    except ExpectedError as error:
        failures.append(error)
    if is_missing_upstream(failures):
        reason = "; ".join(dict.fromkeys(failure.message for failure in failures))
        return MissingFile(path=file.path, reason=reason)
    return locator.failure(file, failures)


def check_location(location: HttpLocation, file: LockedFile) -> None:
    """Raise HTTPError or MissingUpstreamError if a location does not have the file."""
    if location.url.startswith("file:"):
        with http.stream(location.url):
            return
    # A compressed answer would report another size.
    headers = {"accept-encoding": "identity", **location.headers}
    url = location.url
    response = http.retry(url, lambda: http.send("HEAD", url, headers=headers))
    # Some servers answer HEAD without a size, others with 0.
    size = response.headers.get("content-length", "0")
    if file.size and size not in {"0", str(file.size)}:
        raise MissingUpstreamError(
            f"{redact(url)} is another file now: {size} bytes instead of {file.size}"
        )
