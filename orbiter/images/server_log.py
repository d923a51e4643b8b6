"""The log of a Jupyter server, and its URL when the server answers."""

import sys
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import islice
from queue import Empty, SimpleQueue
from threading import Thread
from typing import NoReturn

from resolvers.errors import ExpectedError
from resolvers.net import http

Producer = Callable[[Callable[[str], None]], object]
"""Calls its argument with each line of a log, and returns when the log ends."""
Lines = SimpleQueue[str | Exception | None]
"""The lines of a log, then None or the error that ended it."""

RUNNING = "is running at:"
"""Part of the line that Jupyter Server logs as soon as its port is open."""
TAIL = 20
"""Number of log lines in the error for a server that stopped."""
PAUSE = 1.0
"""Seconds without a line after which the messages of the start have ended."""
MOST_LINES = 50
"""Number of lines after which the URL is printed without a pause."""


def follow(produce: Producer, address: str, token: str) -> NoReturn:
    """Print a log to stderr, and the URL to stdout when the server answers.

    The URL comes after the messages of the start, which would hide it. Raises ExpectedError if the
    server stops.
    """
    lines = _started(produce)
    _wait_until_running(lines)
    http.get(f"{address}/api/status", headers={"authorization": f"token {token}"})
    deque(islice(_printed(lines, PAUSE), MOST_LINES), maxlen=0)
    _print_url(f"{address}/lab?token={token}")
    deque(_printed(lines), maxlen=0)
    raise ExpectedError("the server in the container stopped")


def _wait_until_running(lines: Lines) -> None:
    tail: deque[str] = deque(maxlen=TAIL)
    for line in _printed(lines):
        tail.append(line)
        if RUNNING in line:
            return
    output = "".join(f"\n  {line}" for line in tail)
    raise ExpectedError(f"the server in the container stopped{output}")


def _print_url(url: str) -> None:
    sys.stderr.write("\nThe server answers at this URL. Ctrl-C stops it.\n\n")
    sys.stdout.write(f"{url}\n")
    sys.stdout.flush()
    sys.stderr.write("\n")


def _started(produce: Producer) -> Lines:
    """Start a thread that produces the lines, so that the caller can notice a pause."""
    lines: Lines = SimpleQueue()

    def work() -> None:
        try:
            produce(lines.put)
        except Exception as error:  # the caller raises it
            lines.put(error)
        else:
            lines.put(None)

    Thread(target=work, daemon=True).start()
    return lines


def _printed(lines: Lines, pause: float | None = None) -> Iterator[str]:
    """Print and yield lines until the log ends, or until no line came for ``pause`` seconds."""
    with suppress(Empty):
        while (line := lines.get(timeout=pause)) is not None:
            if isinstance(line, Exception):
                raise line
            sys.stderr.write(f"{line}\n")
            yield line
        lines.put(None)  # the log has ended for later calls too
