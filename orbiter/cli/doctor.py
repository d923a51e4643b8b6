"""``orbiter doctor``: check the machine and the servers that it asks."""

import os
import sys
from typing import TYPE_CHECKING

import click

from orbiter.cli.errors import FINDINGS, guarded
from orbiter.cli.options import format_option, quiet_option, text_width

if TYPE_CHECKING:
    from orbiter.config.image_set import ImageSet
    from orbiter.doctor.result import Diagnosis
    from resolvers.errors import ExpectedError

COLOURS = {"ok": "green", "warning": "yellow", "failed": "red", "skipped": "cyan"}
STATE_WIDTH = 9


@click.command()
@format_option
@quiet_option
@guarded
def doctor(output_format: str, quiet: bool) -> None:
    """Check this machine and the servers that it asks.

    Checks the Docker engine, buildx, disks, the clock, git, proxies and
    certificates. Asks indexes, channels, registries, downloads and the archive
    with the requests that the other commands make. In a project, these are the
    servers of images.toml. Changes nothing in the project. Exits with 1 if a
    check failed.
    """
    from orbiter.cli.board import Board
    from orbiter.doctor.doctor import diagnose_machine

    with Board(quiet=quiet) as board:
        diagnosis = diagnose_machine(*_project(), board)
    if output_format == "json":
        from orbiter.documents import encode

        click.echo(encode(diagnosis), nl=False)
    else:
        _print_text(diagnosis)
    if diagnosis.count("failed"):
        sys.exit(FINDINGS)


def _project() -> "tuple[ImageSet | None, ExpectedError | None]":
    """Return the image set of the project, or the error for one that cannot be read."""
    from orbiter.doctor.project import current_image_set
    from resolvers.errors import ExpectedError

    try:
        return current_image_set(), None
    except ExpectedError as error:
        return None, error


def _print_text(diagnosis: "Diagnosis") -> None:
    from orbiter.report import doctor_text

    has_colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    for state, text in doctor_text.check_texts(diagnosis, text_width()):
        label = click.style(state, fg=COLOURS[state], bold=True) if has_colour else state
        click.echo(f"{label}{' ' * (STATE_WIDTH - len(state))}{text}")
    click.echo(f"\n{doctor_text.summary(diagnosis)}")
