"""``orbiter shell``: open a shell in an image."""

import click

from orbiter.cli.completion import complete_image
from orbiter.cli.errors import guarded
from orbiter.cli.options import read_lock_set, release_option


@click.command()
@click.argument("image", shell_complete=complete_image)
@release_option
@guarded
def shell(image: str, release: str | None) -> None:
    """Open a shell in IMAGE, or run commands from stdin.

    IMAGE is a name such as debian-base. The shell runs as the image's user in a new container,
    which is removed at the end. The exit code is the shell's.
    """
    from orbiter.images.start import open_shell as run_shell

    run_shell(read_lock_set(release), image)
