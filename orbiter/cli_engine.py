"""The commands about what is built: ``orbiter images``, ``shell``, ``clean`` and ``push``."""

import sys
from typing import TYPE_CHECKING

import click

from orbiter.cli_options import IMAGES, builder_option, locked, platform_option, quiet_option, release_option
from orbiter.guard import guarded

if TYPE_CHECKING:
    from orbiter.clean import Found


@click.command()
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@guarded
def images(form: str) -> None:
    """Say what is built here, and whether it is what the lock sets say now.

    fresh: built from locks/<release>/ as it is; stale: from another lock set; no lock set: the release has none.
    """
    from orbiter import images as listing
    from orbiter.config import read_image_set

    image_set = read_image_set(IMAGES)
    found = listing.images(listing.known(image_set))
    if form == "json":
        click.echo(listing.as_json(found))
    elif found:
        click.echo(listing.text(found))
    else:
        click.echo(f"no image of {image_set.repository} is here: orbiter build makes them", err=True)


@click.command()
@click.argument("image")
@release_option
@guarded
def shell(image: str, release: str | None) -> None:
    """Open a shell in IMAGE (debian-base) as its user; or run what standard input says.

    The container is new, and removed at the end. The exit code is the shell's own.
    """
    from orbiter.shell import shell as become_shell

    become_shell(locked(release), image)


@click.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Say what would go; remove nothing.")
@guarded
def clean(yes: bool, dry_run: bool) -> None:
    """Remove the images that were built here, containers of theirs that stopped, and unfinished files.

    Only what Orbiter made for this image set, and what no container uses. Whole files in the store, the lock sets and
    BuildKit's cache stay.
    """
    from orbiter import clean as cleaning
    from orbiter.config import read_image_set

    found = cleaning.find(read_image_set(IMAGES))
    for line in found.kept:
        click.echo(line, err=True)
    if not found.left:
        click.echo("nothing to remove")
        return
    click.echo(cleaning.text(found.left))
    if dry_run:
        click.echo("dry run: nothing was removed")
    elif yes or _agreed(found):
        cleaning.remove(found.left)
        click.echo(f"removed {len(found.left)}")
    else:
        click.echo("nothing was removed")


def _agreed(found: "Found") -> bool:
    from resolvers.errors import ExpectedError

    if not sys.stdin.isatty():
        raise ExpectedError("nothing was removed: there is no terminal to ask on", "orbiter clean --yes")
    return click.confirm(f"Remove these {len(found.left)}?", err=True)


@click.command()
@release_option
@click.option("--image", "stages", multiple=True, metavar="NAME", help="Only this image or stage; may be repeated.")
@platform_option
@builder_option
@click.option("--force", is_flag=True, help="Push whatever the tags name in the registry, which is not asked.")
@quiet_option
@guarded
def push(
    release: str | None,
    stages: tuple[str, ...],
    platforms: tuple[str, ...],
    builder: str | None,
    force: bool,
    quiet: bool,
) -> None:
    """Build the images of a release, as far as they are not in the build cache, and push their tags.

    A tag that names another image in the registry already is not moved: nothing is pushed then.
    """
    from orbiter import stock
    from orbiter.bake import BuildOptions
    from orbiter.progress import Board

    lock_set = locked(release)
    options = BuildOptions(
        images=stages, platforms=platforms, builder=builder or "", push=True, force=force, load=False
    )
    with Board(quiet=quiet) as board:
        built = stock.build(lock_set, options, board)
    for image in built:
        click.echo(f"{image.tag}  {image.digest}  {'pushed' if image.pushed else 'was there'}")
