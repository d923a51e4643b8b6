"""``orbiter init``: write a starter images.toml."""

import click

from orbiter.cli.errors import guarded
from orbiter.cli.options import IMAGES
from orbiter.config.starter import BUILDERS, write_starter


@click.command()
@click.option(
    "--builder",
    type=click.Choice(BUILDERS),
    default=BUILDERS[0],
    show_default=True,
    help="The builder of the images.",
)
@guarded
def init(builder: str) -> None:
    """Write a commented starter images.toml.

    An existing file is never overwritten.
    """
    write_starter(IMAGES, builder)
    click.echo(f"wrote {IMAGES}: edit it, then run orbiter lock")
