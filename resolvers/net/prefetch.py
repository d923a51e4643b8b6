"""Prefetching: fetch what an engine will probably request next, before it does.

A wrong guess costs a request; it never changes a response.
"""

import threading
from collections.abc import Callable, Hashable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Generic, TypeVar

from resolvers.errors import ExpectedError

THREADS = 16
"""Concurrent requests to one index."""

T = TypeVar("T")


class Prefetcher(Generic[T]):
    """Fetches items and, recursively, the items that they need; each key once. Thread-safe."""

    def __init__(
        self,
        fetch: Callable[[T], Iterable[T]],
        key: Callable[[T], Hashable],
        pool: ThreadPoolExecutor,
    ) -> None:
        self._fetch = fetch
        self._key = key
        self._pool = pool
        self._started: set[Hashable] = set()
        self._lock = threading.Lock()

    def start(self, *items: T) -> None:
        """Fetch items in the background, except those already started."""
        with self._lock:
            new = {key: item for item in items if (key := self._key(item)) not in self._started}
            self._started.update(new)
        with suppress(RuntimeError):  # the pool is shut down because the engine has finished
            for item in new.values():
                self._pool.submit(self._fetch_and_follow, item)

    def _fetch_and_follow(self, item: T) -> None:
        with suppress(ExpectedError):  # if the item matters, the engine runs into the same error
            self.start(*self._fetch(item))


@contextmanager
def prefetching(
    fetch: Callable[[T], Iterable[T]], key: Callable[[T], Hashable]
) -> Iterator[Prefetcher[T]]:
    """Run a prefetcher while the block runs; ``fetch`` gets an item and returns those it needs."""
    with ThreadPoolExecutor(THREADS) as pool:
        try:
            yield Prefetcher(fetch, key, pool)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
