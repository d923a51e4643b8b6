"""Looking ahead: what an engine will ask for next is fetched before it asks.

A guess only decides what is fetched early, never what is answered.
"""

import threading
from collections.abc import Callable, Hashable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Generic, TypeVar

from resolvers.errors import ExpectedError

THREADS = 16
"""Requests to one index at once."""

T = TypeVar("T")


class Walk(Generic[T]):
    """Goes from each thing to those that it needs, once by its key. Thread-safe."""

    def __init__(
        self,
        follow: Callable[[T], Iterable[T]],
        key: Callable[[T], Hashable],
        pool: ThreadPoolExecutor,
    ) -> None:
        self._follow = follow
        self._key = key
        self._pool = pool
        self._begun: set[Hashable] = set()
        self._lock = threading.Lock()

    def start(self, *things: T) -> None:
        """Follow things, but those that were and those that come when the walk is over."""
        with self._lock:
            new = {key: thing for thing in things if (key := self._key(thing)) not in self._begun}
            self._begun.update(new)
        with suppress(RuntimeError):  # the engine is done, and so are we
            for thing in new.values():
                self._pool.submit(self._step, thing)

    def _step(self, thing: T) -> None:
        with suppress(ExpectedError):  # the engine meets it again if it matters
            self.start(*self._follow(thing))


@contextmanager
def walking(follow: Callable[[T], Iterable[T]], key: Callable[[T], Hashable]) -> Iterator[Walk[T]]:
    """A walk that ends with the context. ``follow`` fetches a thing and gives all that it needs."""
    with ThreadPoolExecutor(THREADS) as pool:
        try:
            yield Walk(follow, key, pool)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
