"""``orbiter clean``: remove images and containers that Orbiter made."""

import sys
from typing import TYPE_CHECKING

import click

from orbiter.cli.errors import guarded
from orbiter.cli.options import IMAGES
from resolvers.errors import ExpectedError

if TYPE_CHECKING:
    from orbiter.images.clean import CleanupPlan


@click.command()
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@click.option("--dry-run", is_flag=True, help="List what would be removed; remove nothing.")
@click.option("--all", "everything", is_flag=True, help="Also remove fresh and released images.")
@click.option(
    "--stale", is_flag=True, help="Only remove images that were built from another lock set."
)
@click.option("--release", metavar="VERSION", help="Only remove the images of this release.")
@guarded
def clean(yes: bool, dry_run: bool, everything: bool, stale: bool, release: str | None) -> None:
    """Remove old images, stopped containers and partial files.

    Removes only what Orbiter made for this image set and what no container uses. Fresh images,
    images of recorded releases, complete files in the store, lock sets and BuildKit's cache
    are kept.
    """
    from orbiter.config.read import read_image_set
    from orbiter.images import clean as images_clean
    from orbiter.lockset.versions import release_name

    if everything + stale + (release is not None) > 1:
        raise click.UsageError("--all, --stale and --release cannot be combined")
    scope = images_clean.CleanupScope(
        everything=everything, stale=stale, release=release_name(release or "")
    )
    found = images_clean.plan_cleanup(read_image_set(IMAGES), scope)
    for line in found.notes:
        click.echo(line, err=True)
    if not found.leftovers:
        click.echo("nothing to remove")
        return
    click.echo(images_clean.format_table(found.leftovers))
    if dry_run:
        click.echo("dry run: nothing was removed")
    elif yes or _confirmed(found):
        images_clean.remove(found.leftovers)
        click.echo(f"removed {len(found.leftovers)}")
    else:
        click.echo("nothing was removed")


def _confirmed(found: "CleanupPlan") -> bool:
    if not sys.stdin.isatty():
        raise ExpectedError(
            "nothing was removed: confirmation needs a terminal", "run orbiter clean --yes"
        )
    return click.confirm(f"Remove these {len(found.leftovers)}?", err=True)
