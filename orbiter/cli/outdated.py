"""``orbiter outdated``: newer versions of locked packages."""

import sys
from functools import partial
from typing import TYPE_CHECKING

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

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orbiter.cli.board import Board
    from orbiter.lockset.model import LockSet
    from orbiter.query.outdated import SystemVersions
    from orbiter.tasks import Report
    from resolvers.types.packages import Availability


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
    allows. apk and apt resolve in a container, which needs a Docker engine;
    without one, their packages are not checked.
    """
    from orbiter.cli.board import Board
    from orbiter.query.outdated import outdated as check
    from orbiter.query.packages import Selection
    from resolvers.errors import ExpectedError

    selection = Selection(images=stages, platforms=platforms, managers=managers)
    lock_set = read_lock_set(release)
    with Board(quiet=quiet) as board:
        found = check(
            lock_set,
            selection,
            board,
            partial(_system_versions, lock_set, board),
            everything=show_all,
        )
    if output_format == "json":
        from orbiter.documents import encode

        click.echo(encode(found), nl=False)
    else:
        from orbiter.report.query import outdated_text

        click.echo(outdated_text.render(found, width=text_width()), nl=False)
    if found.count("failed"):
        raise ExpectedError(
            "some packages could not be checked, so the result is incomplete",
            "correct the reasons above, then run orbiter outdated again",
        )
    if exit_code and (found.count("outdated") or found.count("not found")):
        sys.exit(FINDINGS)


def _system_versions(lock_set: "LockSet", board: "Board") -> "SystemVersions | str":
    """Return the function that asks apk and apt, or why there is no Docker engine to run them."""
    from orbiter.docker import client
    from orbiter.locking.environment import LocalEnvironment
    from orbiter.locking.newest import newest_versions

    if reason := client.unavailable_reason():
        return reason

    def versions(builder: str, manager: str, report: "Report") -> "Mapping[str, Availability]":
        return newest_versions(lock_set, builder, manager, LocalEnvironment(), board, report)

    return versions
