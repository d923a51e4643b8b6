"""Types of the callables that report progress."""

from collections.abc import Callable

ReportLine = Callable[[str], None]


StartTask = Callable[[str], Callable[[str], None]]
"""Given the title of a task, gives the function that takes the task's lines; an empty line ends the task."""
