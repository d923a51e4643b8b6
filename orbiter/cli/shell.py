"""``orbiter shell``."""

import click

from orbiter.cli.errors import guarded
from orbiter.cli.options import locked, release_option


@click.command()
@click.argument("image")
@release_option
@guarded
def shell(image: str, release: str | None) -> None:
    """Open a shell in IMAGE (debian-base) as its user; or run what standard input says.

    The container is new, and removed at the end. The exit code is the shell's own.
    """
    from orbiter.images.start import shell as become_shell

    become_shell(locked(release), image)
