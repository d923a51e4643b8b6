"""``orbiter push``."""

import click

from orbiter.cli.errors import guarded
from orbiter.cli.options import (
    builder_option,
    locked,
    platform_option,
    quiet_option,
    release_option,
)


@click.command()
@release_option
@click.option(
    "--image",
    "stages",
    multiple=True,
    metavar="NAME",
    help="Only this image or stage; may be repeated.",
)
@platform_option
@builder_option
@click.option(
    "--force", is_flag=True, help="Push whatever the tags name in the registry, which is not asked."
)
@quiet_option
@guarded
def push(
    release: str | None,
    stages: tuple[str, ...],
    platforms: tuple[str, ...],
    builder: str | None,
    force: bool,
    quiet: bool,
) -> None:
    """Build the images of a release, as far as they are not in the build cache, and push their tags.

    A tag that names another image in the registry already is not moved: nothing is pushed then.
    """
    from orbiter.build import build
    from orbiter.cli.board import Board
    from orbiter.docker.bake import BuildOptions

    lock_set = locked(release)
    options = BuildOptions(
        images=stages,
        platforms=platforms,
        builder=builder or "",
        push=True,
        force=force,
        load=False,
    )
    with Board(quiet=quiet) as board:
        built = build.build(lock_set, options, board)
    for image in built:
        click.echo(f"{image.tag}  {image.digest}  {'pushed' if image.pushed else 'was there'}")
