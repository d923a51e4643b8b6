"""``orbiter clean``."""

import sys
from typing import TYPE_CHECKING

import click

from orbiter.cli.errors import guarded
from orbiter.cli.options import (
    IMAGES,
)

if TYPE_CHECKING:
    from orbiter.images.clean import Found


@click.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Say what would go; remove nothing.")
@guarded
def clean(yes: bool, dry_run: bool) -> None:
    """Remove the images that were built here, containers of theirs that stopped, and unfinished files.

    Only what Orbiter made for this image set, and what no container uses. Whole files in the store, the lock sets and
    BuildKit's cache stay.
    """
    from orbiter.config.read import read_image_set
    from orbiter.images import clean as images_clean

    found = images_clean.find(read_image_set(IMAGES))
    for line in found.kept:
        click.echo(line, err=True)
    if not found.left:
        click.echo("nothing to remove")
        return
    click.echo(images_clean.text(found.left))
    if dry_run:
        click.echo("dry run: nothing was removed")
    elif yes or _agreed(found):
        images_clean.remove(found.left)
        click.echo(f"removed {len(found.left)}")
    else:
        click.echo("nothing was removed")


def _agreed(found: "Found") -> bool:
    from resolvers.errors import ExpectedError

    if not sys.stdin.isatty():
        raise ExpectedError(
            "nothing was removed: there is no terminal to ask on", "orbiter clean --yes"
        )
    return click.confirm(f"Remove these {len(found.left)}?", err=True)
