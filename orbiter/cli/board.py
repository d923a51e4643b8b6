"""Progress on standard error: live lines on a terminal, plain lines elsewhere."""

import sys
import time
from threading import Lock
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from orbiter.cli.terminal import fitted
from orbiter.cli.verbosity import is_quiet, is_verbose
from orbiter.sizes import format_size
from orbiter.tasks import Report, TaskState
from resolvers.types.request import NOTE, WARNING

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

PLAIN_INTERVAL = 5.0
"""Seconds between two plain lines of one task, so that a log stays readable."""
STATE_WIDTH = 9
SIZE_WIDTH = 8


class Board:
    """Progress of tasks that run in parallel.

    ``board("debian pip")`` starts a task and returns the function that reports its lines and
    states. An empty line ends the task; a line that starts with NOTE stays visible. ``quiet``
    shows only lines that start with WARNING.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet or is_quiet()
        self._lock = Lock()
        self._live: RichProgress | None = None
        self._rows: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        if sys.stderr.isatty() and not self._quiet and not is_verbose():
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
            # The rows of an unfinished command would look as if it were still running.
            self._live.live.transient = error is not None
            self._live.stop()

    def __call__(self, title: str) -> Report:
        """Start a task and return the function that reports its lines and states."""
        show_progress = self._task(title)

        def report(line: str | TaskState) -> None:
            if isinstance(line, str) and line.startswith(WARNING):
                self._print_warning(line)
            else:
                show_progress(line)

        return report

    def _task(self, title: str) -> Report:
        if self._quiet:
            return lambda _line: None
        if self._live:
            return self._live_task(self._live, title)
        return self._plain_task(title)

    def _print_warning(self, line: str) -> None:
        with self._lock:
            self._print_line(line)

    def _print_line(self, line: str) -> None:
        shown = fitted(line, sys.stderr)
        if self._live:
            # rich would break long words; lines that fit stay as they are.
            self._live.console.out(shown, highlight=False)
        else:
            sys.stderr.write(f"{shown}\n")
            sys.stderr.flush()

    def _plain_task(self, title: str) -> Report:
        started = time.monotonic()
        last_printed = 0.0
        last_line = last_state = ""

        def report(line: str | TaskState) -> None:
            nonlocal last_printed, last_line, last_state
            now = time.monotonic()
            text, state = str(line), _state(line)
            too_soon = last_printed and now - last_printed < PLAIN_INTERVAL
            is_minor = text and state == last_state and not text.startswith(NOTE)
            if text == last_line or (too_soon and is_minor):
                return
            last_printed, last_line, last_state = now, text, state
            with self._lock:
                self._print_line(f"{title}: {text or f'done in {now - started:.1f} s'}")

        return report

    def _live_task(self, live: "RichProgress", title: str) -> Report:
        def report(line: str | TaskState) -> None:
            with self._lock:
                if isinstance(line, str) and line.startswith(NOTE):
                    self._print_line(f"{title}: {line}")
                # A task that starts again, such as loading an image, keeps its row.
                if title not in self._rows:
                    self._rows[title] = live.add_task(title, total=None, state="", size="", line="")
                row = self._rows[title]
                cells: dict[str, Any] = _cells(line)
                total = None if line else 1
                live.update(row, total=total, completed=total or 0, **cells)

        return report


def _state(line: str | TaskState) -> str:
    return line.state if isinstance(line, TaskState) else ""


def _cells(line: str | TaskState) -> dict[str, str]:
    """Return the texts of a row's columns that change."""
    if not line:
        return {"state": "done", "line": ""}
    if isinstance(line, str):
        return {"line": line}
    cells = {"state": line.state, "line": line.detail}
    if line.size:
        cells["size"] = format_size(line.size)
    return cells


def _live_progress() -> "RichProgress":
    """Return a table of rows: title, state, time, size and a line as far as the width allows."""
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
    from rich.table import Column

    def text(field: str, column: Column) -> TextColumn:
        return TextColumn(field, markup=False, table_column=column)

    return Progress(
        SpinnerColumn(finished_text="✓"),
        text("{task.description}", Column(no_wrap=True)),
        text("{task.fields[state]}", Column(no_wrap=True, min_width=STATE_WIDTH)),
        TimeElapsedColumn(),
        text("{task.fields[size]}", Column(no_wrap=True, min_width=SIZE_WIDTH, justify="right")),
        text(
            "{task.fields[line]}", Column(no_wrap=True, overflow="ellipsis", ratio=1, style="dim")
        ),
        console=Console(stderr=True),
        expand=True,
    )
