"""Shared by all commands: exit codes, and how expected errors are shown.

0 means success, 1 findings (a stale lock set, differences), 2 a usage error or an expected error.
"""

import signal
import sys
from collections.abc import Callable
from functools import wraps
from typing import NoReturn, ParamSpec

import click

from resolvers.errors import ExpectedError

FINDINGS = 1
EXPECTED_ERROR = 2
INTERRUPTED = 130

P = ParamSpec("P")


def guarded(command: Callable[P, None]) -> Callable[P, None]:
    """Show expected errors of a command as ``error:`` and ``hint:``, and exit with 2."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        signal.signal(signal.SIGINT, _interrupt)
        try:
            command(*args, **kwargs)
        except ExpectedError as error:
            _fail(error)
        except BrokenPipeError:
            raise  # click exits quietly: the reader of our output has closed the pipe
        except OSError as error:
            _fail(_expected(error))
        except KeyboardInterrupt:
            click.echo("error: interrupted", err=True)
            sys.exit(INTERRUPTED)

    return run


def warn(message: str, hint: str = "") -> None:
    """Print a warning to standard error; the command goes on."""
    click.echo(f"{click.style('warning', fg='yellow', bold=True)}: {message}", err=True)
    if hint:
        click.echo(f"{click.style('hint', fg='cyan', bold=True)}: {hint}", err=True)


def _interrupt(_number: int, _frame: object) -> None:
    from resolvers.process import terminate_all

    terminate_all()
    raise KeyboardInterrupt


def _expected(error: OSError) -> ExpectedError:
    reason = str(error.strerror or error)
    parts = [str(part) for part in (error.filename, reason) if part]
    return ExpectedError(": ".join(parts))


def _fail(error: ExpectedError) -> NoReturn:
    click.echo(f"{click.style('error', fg='red', bold=True)}: {error.message}", err=True)
    if error.hint:
        click.echo(f"\n{click.style('hint', fg='cyan', bold=True)}: {error.hint}", err=True)
    sys.exit(EXPECTED_ERROR)
