"""Which locked files upstream no longer has: it is asked for each of them, and nothing is fetched."""

from collections.abc import Iterable, Sequence

import msgspec

from orbiter.fetch import fill, mirrors
from orbiter.fetch.progress import Report, Tally, side_by_side
from orbiter.fetch.sources import Address, Configured, GoneError, OriginsError, Sources, is_gone
from orbiter.lockset.model import LockSet
from orbiter.store.artifact_list import LockedFile
from orbiter.tasks import StartTask
from resolvers.errors import ExpectedError
from resolvers.net import http

UNASKED = "conda:"
"""How the sources begin of files for which there is no way to ask: rattler, which knows the channels, only fetches."""


class Gone(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """A file that upstream no longer has: its place in a stage's artifacts folder, and who said so."""

    path: str
    reason: str


class Upstream(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the files of a lock set upstream, each counted once.

    ``there`` and ``unasked`` are numbers of files; ``unknown`` has an error for each file of which nobody could tell.
    """

    there: int
    gone: tuple[Gone, ...]
    unknown: tuple[ExpectedError, ...]
    unasked: int


def upstream(locked: LockSet, platforms: Sequence[str], board: StartTask) -> Upstream:
    """Ask this machine's indexes, registry and mirrors for the artifacts of a lock set.

    Raises ExpectedError where the mirrors cannot be found out.
    """
    tell = board("upstream")
    wanted = [entry for found in fill.entries(locked, platforms).values() for entry in found]
    found = ask(
        wanted,
        mirrors.sources(locked),
        lambda state: tell(f"{state.files} of {state.total_files} files"),
    )
    tell("")
    return found


def ask(
    entries: Iterable[LockedFile], sources: Sources, progress: Report = lambda _progress: None
) -> Upstream:
    """Ask for these files, many at once."""
    wanted = {entry.source: entry for entry in entries}
    asked = [entry for entry in wanted.values() if not entry.source.startswith(UNASKED)]
    tally, known = Tally(dict.fromkeys(asked, 0), progress), Configured(sources)

    def answer(entry: LockedFile) -> Gone | ExpectedError | None:
        found = _answer(entry, known)
        tally.finish(entry, 0)
        return found

    answers = side_by_side(answer, asked, tally)
    return Upstream(
        there=answers.count(None),
        gone=tuple(sorted(each for each in answers if isinstance(each, Gone))),
        unknown=tuple(
            sorted((each for each in answers if isinstance(each, ExpectedError)), key=str)
        ),
        unasked=len(wanted) - len(asked),
    )


def _answer(entry: LockedFile, known: Configured) -> Gone | ExpectedError | None:
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
    except OriginsError:
        raise
    except ExpectedError as error:
        failures.append(error)
    if is_gone(failures):
        return Gone(
            path=entry.path,
            reason="; ".join(dict.fromkeys(failure.message for failure in failures)),
        )
    return known.failure(entry, failures)


def _ask(address: Address, entry: LockedFile) -> None:
    """Raise HTTPError or GoneError where the file is not."""
    if address.url.startswith("file:"):
        with http.stream(address.url):
            return
    headers = {"accept-encoding": "identity", **address.headers}
    answer = http.retried(address.url, lambda: http.send("HEAD", address.url, headers=headers))
    size = answer.headers.get("content-length", "0")  # some answer 0 to HEAD, and some nothing
    if entry.size and size not in {"0", str(entry.size)}:
        raise GoneError(
            f"{http.redact(address.url)} is another file now: {size} bytes, not {entry.size}"
        )
