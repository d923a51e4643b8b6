"""``orbiter outdated``: newer versions of locked packages."""

import sys

import click

from orbiter.cli.errors import FINDINGS, guarded
from orbiter.cli.options import (
    format_option,
    locked_managers_option,
    platform_option,
    quiet_option,
    read_lock_set,
    release_option,
    stages_option,
    text_width,
)


@click.command()
@click.option("--all", "show_all", is_flag=True, help="Check all packages, not only direct ones.")
@click.option(
    "--exit-code", is_flag=True, help="Exit with 1 if a package is outdated or not found."
)
@release_option
@stages_option
@platform_option
@locked_managers_option
@format_option
@quiet_option
@guarded
def outdated(
    show_all: bool,
    exit_code: bool,
    release: str | None,
    stages: tuple[str, ...],
    platforms: tuple[str, ...],
    managers: tuple[str, ...],
    output_format: str,
    quiet: bool,
) -> None:
    """List packages of which newer versions exist.

    Reads the indexes that `orbiter lock` uses, for the packages that
    images.toml requests. "allowed" is the newest version that images.toml
    allows. Packages of apk and apt are not checked.
    """
    from orbiter.cli.board import Board
    from orbiter.query.outdated import outdated as check
    from orbiter.query.packages import Selection
    from resolvers.errors import ExpectedError

    selection = Selection(images=stages, platforms=platforms, managers=managers)
    lock_set = read_lock_set(release)
    with Board(quiet=quiet) as board:
        found = check(lock_set, selection, board, everything=show_all)
    if output_format == "json":
        from orbiter.documents import encode

        click.echo(encode(found), nl=False)
    else:
        from orbiter.report.query import outdated_text

        click.echo(outdated_text.render(found, width=text_width()), nl=False)
    if found.count("failed"):
        raise ExpectedError(
            "an index could not be read, so the result is incomplete",
            "check the addresses above and the network, then run orbiter outdated again",
        )
    if exit_code and (found.count("outdated") or found.count("not found")):
        sys.exit(FINDINGS)
