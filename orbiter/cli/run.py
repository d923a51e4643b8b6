"""``orbiter run``."""

from pathlib import Path

import click

from orbiter.cli.errors import guarded
from orbiter.cli.options import locked as _locked
from orbiter.cli.options import (
    release_option,
)


@click.command()
@click.argument("image")
@release_option
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    help="The port on this machine; else 8888 or a free one.",
)
@click.option(
    "--mount",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder to see as ~/work.",
)
@guarded
def run(image: str, release: str | None, port: int | None, mount: Path | None) -> None:
    """Start IMAGE (debian-base): JupyterLab at a printed URL, until Ctrl-C."""
    from orbiter.images.start import run as run_image

    run_image(_locked(release), image, port=port, mount=mount)
