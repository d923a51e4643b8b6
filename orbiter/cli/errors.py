"""What every command shares: how expected errors are shown, and the exit codes.

0 is fine, 1 means that there is something to see (a stale lock set, differences), 2 is a usage error or an expected
error.
"""

import signal
import sys
from collections.abc import Callable
from functools import wraps
from typing import NoReturn, ParamSpec

import click

from resolvers.errors import ExpectedError

SOMETHING_TO_SEE = 1
EXPECTED_ERROR = 2
INTERRUPTED = 130

P = ParamSpec("P")


def guarded(command: Callable[P, None]) -> Callable[P, None]:
    """Show an expected error as ``error:`` and ``hint:`` and end with exit code 2, without a traceback."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        signal.signal(signal.SIGINT, _interrupt)
        try:
            command(*args, **kwargs)
        except ExpectedError as error:
            _fail(error)
        except BrokenPipeError:
            raise  # click ends quietly: who reads our output has seen enough
        except OSError as error:
            _fail(
                ExpectedError(
                    ": ".join(
                        str(part) for part in (error.filename, error.strerror or error) if part
                    )
                )
            )
        except KeyboardInterrupt:
            click.echo("error: interrupted", err=True)
            sys.exit(INTERRUPTED)

    return run


def _interrupt(_number: int, _frame: object) -> None:
    from resolvers.process import end_all

    end_all()
    raise KeyboardInterrupt


def _fail(error: ExpectedError) -> NoReturn:
    click.echo(f"{click.style('error', fg='red', bold=True)}: {error.message}", err=True)
    if error.hint:
        click.echo(f"\n{click.style('hint', fg='cyan', bold=True)}: {error.hint}", err=True)
    sys.exit(EXPECTED_ERROR)
