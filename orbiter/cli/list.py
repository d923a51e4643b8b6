"""``orbiter list``: the packages of images."""

import click

from orbiter.cli.errors import guarded
from orbiter.cli.options import (
    format_option,
    locked_managers_option,
    platform_option,
    read_lock_set,
    release_option,
    stages_option,
    text_width,
)


@click.command(name="list")
@release_option
@stages_option
@platform_option
@locked_managers_option
@click.option("--direct", is_flag=True, help="Only packages that images.toml requests.")
@format_option
@guarded
def list_packages(
    release: str | None,
    stages: tuple[str, ...],
    platforms: tuple[str, ...],
    managers: tuple[str, ...],
    direct: bool,
    output_format: str,
) -> None:
    """List the packages of images.

    Each image lists the packages that it adds to its parent. With --image, an
    image lists all of its packages. Sizes are those of the files to download,
    if the lock file records them.
    """
    from orbiter.query.packages import Selection, listing

    selection = Selection(images=stages, platforms=platforms, managers=managers)
    found = listing(read_lock_set(release), selection, only_direct=direct)
    if output_format == "json":
        from orbiter.documents import encode

        click.echo(encode(found), nl=False)
    else:
        from orbiter.report.query import packages_text

        narrowed = bool(managers) or direct
        click.echo(packages_text.render(found, width=text_width(), narrowed=narrowed), nl=False)
