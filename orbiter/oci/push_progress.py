"""Progress of a push whose blobs are sent in several threads."""

import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Literal

from orbiter.sizes import format_size
from orbiter.tasks import Report, State, TaskState
from orbiter.threads import raise_if_stopped

BlobResult = Literal["uploaded", "mounted", "present"]


class PushProgress:
    """Adds up the progress of all blobs; ``sizes`` are their bytes by digest."""

    def __init__(self, sizes: Mapping[str, int], report: Report) -> None:
        self._sizes = sizes
        self._sent = dict.fromkeys(sizes, 0)
        self._results: dict[str, BlobResult] = {}
        self._report_line = report
        self._lock = threading.Lock()

    def digests(self) -> frozenset[str]:
        """Return the digests of all blobs."""
        return frozenset(self._sizes)

    def is_finished(self, digest: str) -> bool:
        """Return whether the registry has a blob."""
        return digest in self._results

    def update(self, digest: str, sent: int) -> None:
        """Set the bytes of a blob that were sent; raise if the thread was stopped."""
        raise_if_stopped()
        with self._lock:
            self._sent[digest] = sent
            self._report("pushing")

    def finish(self, digest: str, result: BlobResult) -> None:
        """Count a blob as finished."""
        with self._lock:
            self._sent[digest] = self._sizes[digest]
            self._results[digest] = result
            self._report("pushing")

    def forget(self, digests: Iterable[str]) -> None:
        """Count blobs as missing again."""
        with self._lock:
            for digest in self._results.keys() & frozenset(digests):
                self._sent[digest] = 0
                del self._results[digest]

    def report_result(self) -> None:
        """Report the numbers of blobs that were uploaded, mounted and present."""
        with self._lock:
            self._report("done")

    def _report(self, state: State) -> None:
        total = sum(self._sizes.values())
        texts = [
            f"{format_size(sum(self._sent.values()))} of {format_size(total)}",
            f"{len(self._results)} of {len(self._sizes)} blobs",
        ]
        counts = Counter(self._results.values())
        texts += [f"{counts[name]} {text}" for name, text in TEXTS.items() if counts[name]]
        self._report_line(TaskState(state=state, size=total, detail=", ".join(texts)))


TEXTS: Mapping[BlobResult, str] = {
    "uploaded": "uploaded",
    "mounted": "taken from another repository",
    "present": "already there",
}
