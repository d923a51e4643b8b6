"""The commands that bring the files of a release here, and elsewhere: ``orbiter fetch`` and ``orbiter archive``."""

import click

from orbiter.cli.errors import guarded
from orbiter.cli.options import locked, platform_option, quiet_option, release_option


@click.command("archive")
@click.argument("target")
@release_option
@platform_option
@quiet_option
@guarded
def archive_release(
    target: str, release: str | None, platforms: tuple[str, ...], quiet: bool
) -> None:
    """Keep every file of a release in TARGET, beside other releases; `orbiter fetch --from TARGET` takes them back.

    TARGET is a folder, a file *.tar, or oci://registry/repository[:tag] (the tag is the release where none is given).
    All three are OCI artifacts with the same digest.
    """
    from orbiter.archive.keep import archive
    from orbiter.cli.board import Board

    lock_set = locked(release)
    with Board(quiet=quiet) as board:
        told = archive(lock_set, platforms, target, board)
    click.echo(told)
