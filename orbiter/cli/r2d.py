"""``orbiter r2d``: start an image with repo2docker."""

from pathlib import Path

import click

from orbiter.cli.errors import guarded
from orbiter.cli.run import run_options, start_with_repo2docker


@click.command()
@run_options
@guarded
def r2d(
    image: str, release: str | None, locked: bool, port: int | None, mount: Path | None
) -> None:
    """Start IMAGE with repo2docker and print its URL.

    Short for `orbiter run IMAGE --repo2docker`. Shows whether the image works
    on Binder. repo2docker builds the Dockerfile that `orbiter binder` writes,
    and starts its own command in the result. Ctrl-C stops the container.
    """
    start_with_repo2docker(image, release, locked, port, mount)
