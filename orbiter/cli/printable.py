"""Print texts that anybody may have written, without characters that control a terminal."""

import click

from orbiter.cli.terminal import print_lines, printable_lines


def print_line(text: str, *, err: bool = False) -> None:
    """Print a text on one line."""
    from orbiter.report.phrases import printable

    print_lines(printable(text), err=err)


def print_text(text: str) -> None:
    """Print a text with its lines and tabs."""
    click.echo(printable_lines(text), nl=False)
