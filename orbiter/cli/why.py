"""``orbiter why``: the reasons for a package."""

import click

from orbiter.cli.errors import guarded
from orbiter.cli.options import (
    IMAGES,
    format_option,
    locked_managers_option,
    platform_option,
    read_lock_set,
    release_option,
    stages_option,
    text_width,
)


@click.command()
@click.argument("name")
@click.option(
    "--all", "show_all", is_flag=True, help="Show all chains, not only the shortest ones."
)
@release_option
@stages_option
@platform_option
@locked_managers_option
@format_option
@guarded
def why(
    name: str,
    show_all: bool,
    release: str | None,
    stages: tuple[str, ...],
    platforms: tuple[str, ...],
    managers: tuple[str, ...],
    output_format: str,
) -> None:
    """Explain why the package NAME is in images.

    Shows the shortest chains of requirements from the packages in images.toml
    to NAME, and the line of images.toml at which each of them begins.
    """
    from orbiter.query.packages import Selection
    from orbiter.query.why import reasons

    selection = Selection(images=stages, platforms=platforms, managers=managers)
    found = reasons(read_lock_set(release), name, selection, IMAGES)
    if output_format == "json":
        from orbiter.documents import encode

        click.echo(encode(found), nl=False)
    else:
        from orbiter.report.query import why_text

        rendered = why_text.render(found, width=text_width(), everything=show_all)
        click.echo(rendered, nl=False)
