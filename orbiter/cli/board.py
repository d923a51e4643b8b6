"""Progress on standard error: live lines on a terminal, plain lines elsewhere."""

import sys
import time
from threading import Lock
from types import TracebackType
from typing import TYPE_CHECKING, Self

from orbiter.tasks import ReportLine
from resolvers.types import NOTE

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

PLAIN_INTERVAL = 5.0
"""Seconds between two plain lines of one task, so that a log stays readable."""
LIVE_LINE_LENGTH = 100


class Board:
    """Progress of tasks that run in parallel.

    ``board("debian pip")`` starts a task and returns the function that reports its lines. An
    empty line ends the task; a line that starts with NOTE stays visible. ``quiet`` shows nothing.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet
        self._lock = Lock()
        self._live: RichProgress | None = None

    def __enter__(self) -> Self:
        if sys.stderr.isatty() and not self._quiet:
            self._live = _live_progress()
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live:
            self._live.stop()

    def __call__(self, title: str) -> ReportLine:
        """Start a task and return the function that reports its lines."""
        if self._quiet:
            return lambda _line: None
        if self._live:
            return self._live_task(self._live, title)
        return self._plain_task(title)

    def _plain_task(self, title: str) -> ReportLine:
        started = time.monotonic()
        last_printed = 0.0

        def report(line: str) -> None:
            nonlocal last_printed
            now = time.monotonic()
            too_soon = last_printed and now - last_printed < PLAIN_INTERVAL
            if line and too_soon and not line.startswith(NOTE):
                return
            last_printed = now
            with self._lock:
                sys.stderr.write(f"{title}: {line or f'done in {now - started:.1f} s'}\n")
                sys.stderr.flush()

        return report

    def _live_task(self, live: "RichProgress", title: str) -> ReportLine:
        task: TaskID | None = None

        def report(line: str) -> None:
            nonlocal task
            with self._lock:
                if line.startswith(NOTE):
                    live.console.print(f"{title}: {line}", markup=False, highlight=False)
                if task is None:
                    task = live.add_task(title, total=None, line=line)
                if line:
                    live.update(task, line=line[:LIVE_LINE_LENGTH])
                else:
                    live.update(task, line="done", total=1, completed=1)

        return report


def _live_progress() -> "RichProgress":
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    return Progress(
        SpinnerColumn(finished_text="✓"),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[line]}", style="dim", markup=False),
        console=Console(stderr=True),
    )
