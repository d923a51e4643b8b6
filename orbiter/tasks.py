"""Types of the callables that report progress."""

from collections.abc import Callable

ReportLine = Callable[[str], None]
"""Receives a line of progress."""

StartTask = Callable[[str], ReportLine]
"""Starts a task with a title; returns the function for its lines. An empty line ends the task."""
