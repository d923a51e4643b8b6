"""Which locked files upstream no longer has: it is asked for each of them, and nothing is fetched."""

from collections.abc import Iterable, Sequence

import msgspec

from orbiter.fetch import fill, mirrors
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
from orbiter.store.artifact_list import LockedFile
from orbiter.tasks import StartTask
from resolvers.errors import ExpectedError
from resolvers.net import http

UNASKED = "conda:"
"""How the sources begin of files for which there is no way to ask: rattler, which knows the channels, only fetches."""


class MissingFile(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """A file that upstream no longer has: its place in a stage's artifacts folder, and who said so."""

    path: str
    reason: str


class UpstreamReport(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the files of a lock set upstream, each counted once.

    ``there`` and ``unasked`` are numbers of files; ``unknown`` has an error for each file of which nobody could tell.
    """

    there: int
    gone: tuple[MissingFile, ...]
    unknown: tuple[ExpectedError, ...]
    unasked: int


def check_availability(
    locked: LockSet, platforms: Sequence[str], board: StartTask
) -> UpstreamReport:
    """Ask this machine's indexes, registry and mirrors for the artifacts of a lock set.

    Raises ExpectedError where the mirrors cannot be found out.
    """
    tell = board("upstream")
    wanted = [
        entry for found in fill.artifacts_by_stage(locked, platforms).values() for entry in found
    ]
    found = check_files(
        wanted,
        mirrors.sources(locked),
        lambda state: tell(f"{state.files} of {state.total_files} files"),
    )
    tell("")
    return found


def check_files(
    entries: Iterable[LockedFile],
    sources: FetchSettings,
    progress: ReportProgress = lambda _progress: None,
) -> UpstreamReport:
    """Ask for these files, many at once."""
    wanted = {entry.source: entry for entry in entries}
    asked = [entry for entry in wanted.values() if not entry.source.startswith(UNASKED)]
    tally, known = ProgressCounter(dict.fromkeys(asked, 0), progress), UpstreamLocator(sources)

    def answer(entry: LockedFile) -> MissingFile | ExpectedError | None:
        found = _answer(entry, known)
        tally.finish(entry, 0)
        return found

    answers = run_parallel(answer, asked, tally)
    return UpstreamReport(
        there=answers.count(None),
        gone=tuple(sorted(each for each in answers if isinstance(each, MissingFile))),
        unknown=tuple(
            sorted((each for each in answers if isinstance(each, ExpectedError)), key=str)
        ),
        unasked=len(wanted) - len(asked),
    )


def _answer(entry: LockedFile, known: UpstreamLocator) -> MissingFile | ExpectedError | None:
    """None for a file that is there."""
    failures: list[ExpectedError] = []
    try:
        for address in known.addresses(entry):
            try:
                _ask(address, entry)
            except ExpectedError as error:
                failures.append(error)
            else:
                return None
    except LocatorError:
        raise
    except ExpectedError as error:
        failures.append(error)
    if is_missing_upstream(failures):
        return MissingFile(
            path=entry.path,
            reason="; ".join(dict.fromkeys(failure.message for failure in failures)),
        )
    return known.failure(entry, failures)


def _ask(address: HttpLocation, entry: LockedFile) -> None:
    """Raise HTTPError or GoneError where the file is not."""
    if address.url.startswith("file:"):
        with http.stream(address.url):
            return
    headers = {"accept-encoding": "identity", **address.headers}
    answer = http.retry(address.url, lambda: http.send("HEAD", address.url, headers=headers))
    size = answer.headers.get("content-length", "0")  # some answer 0 to HEAD, and some nothing
    if entry.size and size not in {"0", str(entry.size)}:
        raise MissingUpstreamError(
            f"{http.redact(address.url)} is another file now: {size} bytes, not {entry.size}"
        )
