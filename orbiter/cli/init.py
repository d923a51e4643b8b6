"""``orbiter init``: write a starter images.toml."""

import click

from orbiter.cli.errors import guarded
from orbiter.cli.options import IMAGES


@click.command()
@guarded
def init() -> None:
    """Write a commented starter images.toml.

    An existing file is never overwritten.
    """
    from orbiter.config.starter import write_starter

    write_starter(IMAGES)
    click.echo(f"wrote {IMAGES}: edit it, then run orbiter lock")
