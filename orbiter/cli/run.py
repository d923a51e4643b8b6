"""``orbiter run``: start JupyterLab in an image."""

from pathlib import Path

import click

from orbiter.cli.completion import complete_image
from orbiter.cli.directory import UserPath
from orbiter.cli.errors import guarded
from orbiter.cli.options import locked_option, read_lock_set, release_option


@click.command()
@click.argument("image", shell_complete=complete_image)
@release_option
@locked_option
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    help="The port on this machine (default: 8888, or a free one).",
)
@click.option(
    "--mount",
    type=UserPath(exists=True, file_okay=False),
    help="Mount this folder at ~/work.",
)
@guarded
def run(
    image: str, release: str | None, locked: bool, port: int | None, mount: Path | None
) -> None:
    """Start JupyterLab in IMAGE and print its URL.

    IMAGE is a name such as debian-base. Ctrl-C stops the container.
    """
    from orbiter.images.start import run_image

    run_image(read_lock_set(release, locked=locked), image, port=port, mount=mount)
