"""``orbiter images``: list the images on this machine."""

import click

from orbiter.cli.errors import guarded
from orbiter.cli.options import IMAGES, format_option
from orbiter.cli.terminal import print_lines


@click.command()
@format_option
@guarded
def images(output_format: str) -> None:
    """List built images and whether they are fresh.

    "fresh" images were built from locks/<release>/ as it is now, "stale" ones from another lock
    set. "no lock set" means that the release has none.
    """
    from orbiter.config.read import read_image_set
    from orbiter.images import list as image_list

    image_set = read_image_set(IMAGES)
    found = image_list.list_images(image_list.own_images(image_set))
    if output_format == "json":
        click.echo(image_list.format_json(found), nl=False)
    elif found:
        click.echo(image_list.format_table(found))
    else:
        repository = image_set.repository
        print_lines(f"no images of {repository} found: build them with orbiter build", err=True)
