"""Print texts that anybody may have written, without characters that control a terminal."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

import click

from orbiter.cli.terminal import print_lines
from resolvers.errors import ExpectedError

P = ParamSpec("P")


def print_line(text: str, *, err: bool = False) -> None:
    """Print a text on one line."""
    from orbiter.report.phrases import printable

    print_lines(printable(text), err=err)


def print_text(text: str) -> None:
    """Print a text with its lines and tabs."""
    click.echo(_printable_lines(text), nl=False)


def printable_errors(command: Callable[P, None]) -> Callable[P, None]:
    """Replace such characters in the expected errors of a command."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except ExpectedError as error:
            message, hint = _printable_lines(error.message), _printable_lines(error.hint)
            raise ExpectedError(message, hint) from error

    return run


def _printable_lines(text: str) -> str:
    from orbiter.report.phrases import printable

    lines = ("\t".join(map(printable, line.split("\t"))) for line in text.split("\n"))
    return "\n".join(lines)
