"""Progress for people: live lines on a terminal, plain lines elsewhere; always on standard error."""

import sys
import time
from threading import Lock
from types import TracebackType
from typing import TYPE_CHECKING, Self

from resolvers.types import NOTE

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

from orbiter.tasks import ReportLine

PLAIN_EVERY = 5.0
"""Seconds between two plain lines of one task, so that a log stays readable."""


class Board:
    """The tasks that run side by side. ``board("debian pip")`` gives the function that takes this task's lines.

    An empty line says that the task is done; one that begins with NOTE stays visible. ``quiet`` shows nothing.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet
        self._lock = Lock()
        self._live: RichProgress | None = None

    def __enter__(self) -> Self:
        if sys.stderr.isatty() and not self._quiet:
            self._live = _live()
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
        """Begin a task; gives the function that takes its lines."""
        if self._quiet:
            return lambda _line: None
        return self._on_terminal(title) if self._live else self._plain(title)

    def _plain(self, title: str) -> ReportLine:
        started = time.monotonic()
        said = [0.0]

        def tell(line: str) -> None:
            now = time.monotonic()
            if line and said[0] and now - said[0] < PLAIN_EVERY and not line.startswith(NOTE):
                return
            said[0] = now
            with self._lock:
                sys.stderr.write(f"{title}: {line or f'done in {now - started:.1f} s'}\n")
                sys.stderr.flush()

        return tell

    def _on_terminal(self, title: str) -> ReportLine:
        live = self._live
        assert live is not None
        task: list[TaskID] = []

        def tell(line: str) -> None:
            with self._lock:
                if line.startswith(NOTE):
                    live.console.print(f"{title}: {line}", markup=False, highlight=False)
                if not task:
                    task.append(live.add_task(title, total=None, line=line))
                if line:
                    live.update(task[0], line=line[:100])
                else:
                    live.update(task[0], line="done", total=1, completed=1)

        return tell


def _live() -> "RichProgress":
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    return Progress(
        SpinnerColumn(finished_text="✓"),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[line]}", style="dim", markup=False),
        console=Console(stderr=True),
    )
