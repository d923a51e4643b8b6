"""``orbiter build``."""

from pathlib import Path

import click

from orbiter.cli.errors import guarded
from orbiter.cli.options import (
    builder_option,
    platform_option,
    quiet_option,
    release_option,
)
from orbiter.cli.options import locked as _locked
from orbiter.cli.verify import build_verified


@click.command()
@release_option
@click.option(
    "--image",
    "images",
    multiple=True,
    metavar="NAME",
    help="Only this image or stage; may be repeated.",
)
@platform_option
@builder_option
@click.option("--push", is_flag=True, help="Push the images to their repository.")
@click.option(
    "--load/--no-load", default=None, help="Load the images into the engine (the default)."
)
@click.option(
    "--output", type=click.Path(path_type=Path), help="Keep the images here, as OCI archives."
)
@click.option("--no-cache", is_flag=True, help="Build every step anew.")
@click.option(
    "--verify",
    is_flag=True,
    help="Compare with the digests of the release first; 1 when they differ.",
)
@click.option(
    "--cache-from",
    multiple=True,
    metavar="SPEC",
    help="As of buildx; {stage} is the stage; may be repeated.",
)
@click.option(
    "--cache-to",
    multiple=True,
    metavar="SPEC",
    help="As of buildx; {stage} is the stage; may be repeated.",
)
@quiet_option
@guarded
def build(
    release: str | None,
    images: tuple[str, ...],
    platforms: tuple[str, ...],
    builder: str | None,
    push: bool,
    load: bool | None,
    output: Path | None,
    no_cache: bool,
    verify: bool,
    cache_from: tuple[str, ...],
    cache_to: tuple[str, ...],
    quiet: bool,
) -> None:
    """Build the images of a release from its lock set alone, with the network off."""
    from orbiter.build import build as build_build
    from orbiter.cli.board import Board
    from orbiter.docker.bake import BuildOptions

    locked = _locked(release)
    options = BuildOptions(
        images=images,
        platforms=platforms,
        builder=builder or "",
        push=push,
        load=load if load is not None else not (push or output),
        output=output,
        no_cache=no_cache,
        cache_from=cache_from,
        cache_to=cache_to,
    )
    if verify:
        build_verified(locked, options, quiet=quiet)
        return
    with Board(quiet=quiet) as board:
        built = build_build.build(locked, options, board)
    for image in built:
        click.echo(f"{image.tag}  {image.digest}")
