"""Each thing is asked for once, however many threads want it at the same time."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Once(Generic[K, V]):
    """Values by key, each made by the first that asks. Thread-safe.

    An error is kept like a value, unless ``retry``: then the next one that asks tries again.
    """

    def __init__(self, *, retry: bool = False) -> None:
        self._retry = retry
        self._answers: dict[K, Future[V]] = {}
        self._lock = threading.Lock()

    def __call__(self, key: K, make: Callable[[], V]) -> V:
        """The value of a key. Raises what ``make`` raised."""
        with self._lock:
            known = key in self._answers
            answer = self._answers.setdefault(key, Future())
        if not known:
            try:
                answer.set_result(make())
            except BaseException as error:
                if self._retry:
                    del self._answers[key]
                answer.set_exception(error)
        return answer.result()
