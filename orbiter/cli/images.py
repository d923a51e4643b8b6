"""The commands about what is built: ``orbiter images``, ``shell``, ``clean`` and ``push``."""

import click

from orbiter.cli.errors import guarded
from orbiter.cli.options import IMAGES


@click.command()
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True
)
@guarded
def images(form: str) -> None:
    """Say what is built here, and whether it is what the lock sets say now.

    fresh: built from locks/<release>/ as it is; stale: from another lock set; no lock set: the release has none.
    """
    from orbiter.config.read import read_image_set
    from orbiter.images import list as image_list

    image_set = read_image_set(IMAGES)
    found = image_list.images(image_list.known(image_set))
    if form == "json":
        click.echo(image_list.as_json(found))
    elif found:
        click.echo(image_list.text(found))
    else:
        click.echo(
            f"no image of {image_set.repository} is here: orbiter build makes them", err=True
        )
