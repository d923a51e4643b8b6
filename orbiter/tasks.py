"""Types of the callables that report progress."""

from collections.abc import Callable
from typing import Literal

import msgspec

from orbiter.sizes import format_size

State = Literal["waiting", "cached", "building", "exporting", "loading", "pushing", "done"]


class TaskState(msgspec.Struct, frozen=True, kw_only=True):
    """The state of a task that builds an image.

    ``size`` is in bytes, or 0 if unknown. ``detail`` is a short text such as a line of output.
    """

    state: State
    size: int = 0
    detail: str = ""

    def __str__(self) -> str:
        text: str = self.state
        if self.size:
            text += f", {format_size(self.size)}"
        if self.detail:
            text += f": {self.detail}"
        return text


Report = Callable[[str | TaskState], None]
"""Receives a line of progress, or the state of the task."""

StartTask = Callable[[str], Report]
"""Starts a task with a title, and returns its Report function. An empty line ends the task."""
