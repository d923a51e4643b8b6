"""``orbiter tree``: which packages require which."""

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


@click.command()
@click.argument("name", required=False, default="")
@click.option("--invert", is_flag=True, help="Show below each package those that require it.")
@click.option(
    "--depth",
    type=click.IntRange(min=0),
    metavar="N",
    help="Show only N levels below the first one.",
)
@release_option
@stages_option
@platform_option
@locked_managers_option
@format_option
@guarded
def tree(
    name: str,
    invert: bool,
    depth: int | None,
    release: str | None,
    stages: tuple[str, ...],
    platforms: tuple[str, ...],
    managers: tuple[str, ...],
    output_format: str,
) -> None:
    """Show the packages of images as a tree of requirements.

    With NAME, show only the tree of this package. (*) marks a package whose
    tree is shown above.
    """
    from orbiter.query.packages import Selection
    from orbiter.query.tree import forest

    selection = Selection(images=stages, platforms=platforms, managers=managers)
    found = forest(read_lock_set(release), selection, name=name, inverted=invert, depth=depth)
    if output_format == "json":
        from orbiter.report.query import tree_json

        click.echo(tree_json.render(found), nl=False)
    else:
        from orbiter.report.query import tree_text

        click.echo(tree_text.render(found, width=text_width()), nl=False)
