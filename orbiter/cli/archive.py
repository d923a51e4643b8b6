"""``orbiter archive``: keep every file of a release."""

import click

from orbiter.cli.directory import Target
from orbiter.cli.errors import guarded
from orbiter.cli.options import platform_option, quiet_option, read_derived_lock_set, release_option


@click.command("archive")
@click.argument("target", type=Target())
@release_option
@platform_option
@quiet_option
@guarded
def archive_release(
    target: str, release: str | None, platforms: tuple[str, ...], quiet: bool
) -> None:
    """Copy every file of a release to TARGET.

    TARGET is a folder, a *.tar file, or oci://registry/repository[:tag]; the tag defaults to the
    release. All three hold the same OCI artifact, with the same digest. One target can hold
    several releases. `orbiter fetch --from TARGET` reads the files back.
    """
    from orbiter.archive.keep import archive_release
    from orbiter.cli.board import Board

    locked = read_derived_lock_set(release)
    with Board(quiet=quiet) as board:
        summary = archive_release(locked, platforms, target, board)
    click.echo(summary)
