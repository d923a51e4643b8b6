"""Lines that fit a terminal; in pipes and files they stay whole, so that grep finds them."""

import os
import sys
from typing import TextIO

import click

MIN_WIDTH = 40
CONTINUED = "  "
"""Indent of continued lines, added to that of the line itself."""


def print_lines(text: str, *, err: bool = False) -> None:
    """Print lines, wrapped if they go to a terminal."""
    click.echo(fitted(text, sys.stderr if err else sys.stdout), err=err)


def print_row(*cells: str) -> None:
    """Print cells on one line, or below each other on a terminal that is too narrow for them."""
    row = "  ".join(cells)
    width = _columns(sys.stdout)
    click.echo(f"\n{CONTINUED}".join(cells) if width and len(row) > width else row)


def print_labelled(label: str, text: str, *, colour: str, indent: str = "") -> None:
    """Print lines that start with a coloured label, such as ``error:``, to standard error."""
    start = f"{indent}{label}"
    # Errors repeat arguments, files and answers of servers, which anybody may have written.
    shown = fitted(f"{start}: {printable_lines(text)}", sys.stderr)
    styled = indent + click.style(label, fg=colour, bold=True)
    click.echo(styled + shown.removeprefix(start), err=True)


def printable_lines(text: str) -> str:
    """Replace characters that control a terminal, except the ends of lines and tabs."""
    from orbiter.report.phrases import printable

    lines = ("\t".join(map(printable, line.split("\t"))) for line in text.split("\n"))
    return "\n".join(lines)


def fitted(text: str, stream: TextIO) -> str:
    """Return a text with lines that fit a stream; only a terminal has a width.

    Lines are broken at spaces only, so that paths, addresses and options can be copied.
    """
    width = _columns(stream)
    if not width or max(map(len, text.split("\n"))) <= width:
        return text
    return "\n".join(part for line in text.split("\n") for part in _wrapped(line, width))


def _columns(stream: TextIO) -> int:
    """Return the width of a terminal, 0 for anything else."""
    if not stream.isatty():
        return 0
    try:
        columns = os.get_terminal_size(stream.fileno()).columns
    except OSError:  # a stand-in for a terminal, as in tests of other programs
        return 0
    # Some terminals do not know their size, and report 0.
    return max(columns, MIN_WIDTH) if columns else 0


def _wrapped(line: str, width: int) -> list[str]:
    from textwrap import wrap

    indent = line[: len(line) - len(line.lstrip())]
    lines = wrap(
        line,
        width,
        subsequent_indent=indent + CONTINUED,
        break_long_words=False,
        break_on_hyphens=False,
        replace_whitespace=False,
    )
    return lines or [line]
