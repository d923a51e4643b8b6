"""``orbiter status``: the state of the release in images.toml."""

import click

from orbiter.cli.errors import guarded
from orbiter.cli.options import IMAGES, format_option, text_width


@click.command()
@click.option("--remote", is_flag=True, help="Also read the tags of the images from the registry.")
@format_option
@guarded
def status(remote: bool, output_format: str) -> None:
    """Show the state of the release and the next command.

    Shows whether the release in images.toml is locked, committed to git, built,
    released and pushed. Without --remote, no network is used. Without a Docker
    engine, the images are unknown.
    """
    from orbiter.config.read import read_project_config
    from orbiter.query.status import status as state_of

    found = state_of(read_project_config(IMAGES), remote=remote)
    if output_format == "json":
        from orbiter.documents import encode

        click.echo(encode(found), nl=False)
    else:
        from orbiter.report.query import status_text

        click.echo(status_text.render(found, width=text_width()), nl=False)
