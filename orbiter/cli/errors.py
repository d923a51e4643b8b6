"""Shared by all commands: exit codes, and how expected errors are shown.

0 means success, 1 findings (a stale lock set, differences), 2 a usage error or an expected error.
"""

import signal
import sys
import time
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from threading import Thread
from typing import NoReturn, ParamSpec

import click

from orbiter.cli.network import use_network_profile
from orbiter.cli.terminal import print_labelled, print_lines
from resolvers import cache
from resolvers.errors import ExpectedError

FINDINGS = 1
EXPECTED_ERROR = 2
SIGNALS = {
    signal.SIGINT: "interrupted",
    signal.SIGTERM: "terminated",
    signal.SIGHUP: "the terminal was closed",
}
"""The signals that end a command after it has cleaned up, with the message for each."""
PERMISSION_HINT = "change the permissions of this file or folder, or choose another one"
"""Remedy for a path that the user may not read or write."""
PATIENCE = 5.0
"""Seconds after a signal in which others are ignored, because they would interrupt the cleanup."""
SIGNALLED = 128
"""A command that a signal ends exits with this number plus that of the signal, as in shells."""

P = ParamSpec("P")


def guarded(command: Callable[P, None]) -> Callable[P, None]:
    """Let a command use the network profile; show expected errors with a hint, and exit with 2."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        _handle_signals()
        try:
            use_network_profile()
            command(*args, **kwargs)
        except ExpectedError as error:
            fail(error)
        except BrokenPipeError:
            raise  # the reader of our output has closed the pipe: see orbiter.cli.usage
        except OSError as error:
            fail(_expected(error))
        except Interruption as error:
            error.programs.join()
            print_lines(f"error: {SIGNALS[error.signal]}", err=True)
            _reset_signals()
            sys.exit(SIGNALLED + error.signal)

    return run


def warn(message: str, hint: str = "") -> None:
    """Print a warning to standard error; the command goes on."""
    print_labelled("warning", message, colour="yellow")
    if hint:
        # Indented, because the next warning may follow.
        print_labelled("hint", hint, colour="cyan", indent="    ")


def fail(error: ExpectedError) -> NoReturn:
    """Show an expected error with its hint, and exit with 2."""
    print_error(error.message, error.hint)
    sys.exit(EXPECTED_ERROR)


def print_error(message: str, hint: str) -> None:
    """Show an error with its hint, which may be empty."""
    print_labelled("error", message, colour="red")
    if hint:
        print_hint(hint)


def print_hint(hint: str) -> None:
    """Print a hint below an empty line."""
    click.echo(err=True)
    print_labelled("hint", hint, colour="cyan")


class Interruption(KeyboardInterrupt):
    """A signal asks the command to end; the thread ``programs`` ends with the last program."""

    def __init__(self, number: signal.Signals, programs: Thread) -> None:
        super().__init__()
        self.signal = number
        self.programs = programs


class _SignalHandler:
    """Raises Interruption at a signal, except for signals that soon follow another one."""

    def __init__(self, terminate_all: Callable[[], Thread]) -> None:
        self._terminate_all = terminate_all
        self._ignored_until = 0.0

    def __call__(self, number: int, _frame: object) -> None:
        """Handle a signal."""
        now = time.monotonic()
        if now < self._ignored_until:
            return
        self._ignored_until = now + PATIENCE
        raise Interruption(signal.Signals(number), self._terminate_all())


def _handle_signals() -> None:
    # Not in the handler, which may interrupt this very import.
    from resolvers.process import terminate_all

    handler = _SignalHandler(terminate_all)
    for number in SIGNALS:
        # nohup lets a command ignore the end of its terminal.
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, handler)


def _reset_signals() -> None:
    """Let further signals end the process: Python shows a traceback for those in its last steps."""
    for number in SIGNALS:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)


def _expected(error: OSError) -> ExpectedError:
    reason = str(error.strerror or error)
    parts = [str(part) for part in (error.filename, reason) if part]
    return ExpectedError(": ".join(parts), _remedy(error))


def _remedy(error: OSError) -> str:
    """Return how to avoid an error of the operating system; "" if that is not known."""
    if not isinstance(error, (PermissionError, NotADirectoryError, FileExistsError)):
        return ""
    if not isinstance(error.filename, str):
        return ""
    path, cache_root = Path(error.filename).absolute(), cache.root()
    if path.is_relative_to(cache_root) or cache_root.is_relative_to(path):
        return cache.CACHE_HINT
    return PERMISSION_HINT if isinstance(error, PermissionError) else ""
