"""The commands that bring the files of a release here, and elsewhere: ``orbiter fetch`` and ``orbiter archive``."""

import click

from orbiter.cli_options import locked, platform_option, quiet_option, release_option
from orbiter.guard import guarded


@click.command()
@release_option
@platform_option
@click.option(
    "--from", "origin", metavar="TARGET", help="Take all from what `orbiter archive` wrote, and use no network else."
)
@quiet_option
@guarded
def fetch(release: str | None, platforms: tuple[str, ...], origin: str | None, quiet: bool) -> None:
    """Fill the store with every artifact of a release, so that building needs no network."""
    from orbiter import archive, stock
    from orbiter.progress import Board

    lock_set = locked(release)
    with Board(quiet=quiet) as board:
        if origin is None:
            told = stock.fill(lock_set, platforms, board)
        else:
            told = archive.fetch(lock_set, platforms, origin, board)
    click.echo(told)


@click.command("archive")
@click.argument("target")
@release_option
@platform_option
@quiet_option
@guarded
def archive_release(target: str, release: str | None, platforms: tuple[str, ...], quiet: bool) -> None:
    """Keep every file of a release in TARGET, beside other releases; `orbiter fetch --from TARGET` takes them back.

    TARGET is a folder, a file *.tar, or oci://registry/repository[:tag] (the tag is the release where none is given).
    All three are OCI artifacts with the same digest.
    """
    from orbiter.archive import archive
    from orbiter.progress import Board

    lock_set = locked(release)
    with Board(quiet=quiet) as board:
        told = archive(lock_set, platforms, target, board)
    click.echo(told)
