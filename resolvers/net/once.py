"""Values that several threads need and only one thread computes."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class OncePerKey(Generic[K, V]):
    """Values by key; the first thread that needs a value computes it, the others wait. Thread-safe.

    An error is kept like a value. With ``retry`` it is not: the next call computes the value again.
    """

    def __init__(self, *, retry: bool = False) -> None:
        self._retry = retry
        self._results: dict[K, Future[V]] = {}
        self._lock = threading.Lock()

    def __call__(self, key: K, compute: Callable[[], V]) -> V:
        """Return the value of a key. Raises what ``compute`` raised."""
        with self._lock:
            started = key in self._results
            result = self._results.setdefault(key, Future())
        if not started:
            try:
                result.set_result(compute())
            except BaseException as error:
                if self._retry:
                    del self._results[key]
                result.set_exception(error)
        return result.result()


class Lazy(Generic[V]):
    """A value that the first thread which needs it computes. Thread-safe.

    Treats errors like ``OncePerKey``.
    """

    def __init__(self, compute: Callable[[], V], *, retry: bool = False) -> None:
        self._compute = compute
        self._values: OncePerKey[None, V] = OncePerKey(retry=retry)

    def __call__(self) -> V:
        """Return the value. Raises what ``compute`` raised."""
        return self._values(None, self._compute)
