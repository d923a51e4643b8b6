"""Threads whose work ends early if the caller fails or is interrupted.

Threads cannot be killed. Long loops call ``raise_if_stopped`` instead, once for each chunk of data.
"""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

_thread = threading.local()


class StoppedError(Exception):
    """Ends a thread whose caller has failed or was interrupted."""


@contextmanager
def stoppable_threads(number: int) -> Iterator[ThreadPoolExecutor]:
    """Yield an executor; if the block raises, its threads end at their next ``raise_if_stopped``.

    The block must wait for the results itself, because its end no longer stops the threads.
    """
    stop = threading.Event()
    with ThreadPoolExecutor(number, initializer=_set_stop, initargs=(stop,)) as pool:
        try:
            yield pool
        except BaseException:
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def raise_if_stopped() -> None:
    """Raise StoppedError in a thread of ``stoppable_threads`` whose block has raised."""
    stop: threading.Event | None = getattr(_thread, "stop", None)
    if stop and stop.is_set():
        raise StoppedError


def _set_stop(stop: threading.Event) -> None:
    _thread.stop = stop
