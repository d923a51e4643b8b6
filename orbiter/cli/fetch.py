"""``orbiter fetch``."""

import sys
from typing import TYPE_CHECKING

import click

from orbiter.cli.errors import SOMETHING_TO_SEE, guarded
from orbiter.cli.options import locked, platform_option, quiet_option, release_option

if TYPE_CHECKING:
    from orbiter.fetch.upstream import Upstream


@click.command()
@release_option
@platform_option
@click.option(
    "--from",
    "origin",
    metavar="TARGET",
    help="Take all from what `orbiter archive` wrote, and use no network else.",
)
@click.option(
    "--upstream",
    "look",
    is_flag=True,
    help="Also ask which files upstream no longer has; exit code 1 where any are gone.",
)
@quiet_option
@guarded
def fetch(
    release: str | None, platforms: tuple[str, ...], origin: str | None, look: bool, quiet: bool
) -> None:
    """Fill the store with every artifact of a release, so that building needs no network.

    What the store lacks is taken from the archive in ORBITER_ARCHIVE, if there is one, else from where this machine is
    configured to.
    """
    from orbiter.archive import keep as archive_keep
    from orbiter.archive.configured import configured_archive
    from orbiter.cli.board import Board
    from orbiter.fetch import fill
    from orbiter.fetch.upstream import upstream

    if look and origin is not None:
        raise click.UsageError("--upstream asks the network, which --from does without")
    lock_set = locked(release)
    with Board(quiet=quiet) as board:
        if origin is None:
            told = fill.fill(lock_set, platforms, board, configured_archive())
        else:
            told = archive_keep.fetch(lock_set, platforms, origin, board)
        found = upstream(lock_set, platforms, board) if look else None
    click.echo(told)
    if found:
        _tell(found)


def _tell(found: "Upstream") -> None:
    """Show what became of the files upstream; ends with code 1 where any are gone."""
    from orbiter.store.store import raise_all

    for gone in found.gone:
        click.echo(f"gone upstream: {gone.path} ({gone.reason})")
    asked = found.there + len(found.gone) + len(found.unknown)
    keep = "; keep them: orbiter archive TARGET" if found.gone else ""
    unasked = f"; {found.unasked} of conda were not asked for" if found.unasked else ""
    click.echo(
        f"{found.there} of {asked} locked files are upstream, {len(found.gone)} are gone{keep}{unasked}"
    )
    raise_all("could not be asked for", list(found.unknown))
    if found.gone:
        sys.exit(SOMETHING_TO_SEE)
