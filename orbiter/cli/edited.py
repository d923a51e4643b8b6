"""Options, locking and report of the commands that edit images.toml."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from orbiter.cli.locked import (
    moves_between,
    print_json,
    print_result,
    print_warnings,
    report_written,
)
from orbiter.cli.terminal import print_lines

if TYPE_CHECKING:
    from orbiter.edit.changes import Edited
    from orbiter.lockset.model import LockSet

no_lock_option = click.option(
    "--no-lock", is_flag=True, help="Only edit images.toml; do not resolve."
)
dry_run_option = click.option(
    "--dry-run", is_flag=True, help="Resolve and report changes; write nothing."
)
only_option = click.option(
    "--only",
    metavar="MANAGERS",
    help="Lock only these managers, separated by commas, as with orbiter lock.",
)


def apply_edit(
    edited: "Edited",
    *,
    no_lock: bool,
    dry_run: bool,
    only: str | None,
    output_format: str,
    quiet: bool,
) -> None:
    """Lock an edited images.toml, print the result and write both."""
    if no_lock and only is not None:
        raise click.UsageError("--no-lock and --only exclude each other")
    if not edited.changes or no_lock:
        _write_images(edited, dry_run=dry_run, output_format=output_format)
        return
    from orbiter.edit.apply import write_edited
    from resolvers.types.request import Upgrade

    edited, previous, locked = _lock(edited, dry_run=dry_run, only=only, quiet=quiet)
    moves = moves_between(previous, locked, Upgrade())
    is_text = output_format == "text"
    if is_text:
        _print_changes(edited)
        print_result(previous, locked, moves)
    if not dry_run:
        report_written(locked, was_written=write_edited(edited, locked), announce=is_text)
    elif is_text:
        print_lines(f"dry run: {edited.images_file.path} and its lock set were not written")
    if not is_text:
        print_json(locked, moves, edited.changes, written=not dry_run)
    print_warnings(locked)


def _lock(
    edited: "Edited", *, dry_run: bool, only: str | None, quiet: bool
) -> "tuple[Edited, LockSet | None, LockSet]":
    """Return the edit with bounds, the lock set to start from and the new one."""
    from orbiter.cli.board import Board
    from orbiter.edit.apply import lock_edited
    from orbiter.locking.environment import LocalEnvironment
    from orbiter.locking.options import lock_options
    from orbiter.lockset import exchange, folder

    image_set, now = edited.image_set, datetime.now(UTC)
    options = lock_options(image_set, upgrade=False, packages=(), as_of=None, only=only, now=now)
    if not dry_run:
        exchange.recover(folder.LOCKS)
        folder.refuse_released(folder.release_folder(image_set.version))
    previous = folder.previous(image_set.version)
    with Board(quiet=quiet) as board:
        bounded, locked = lock_edited(edited, previous, options, LocalEnvironment(), board)
    return bounded, previous, locked


def _write_images(edited: "Edited", *, dry_run: bool, output_format: str) -> None:
    """Write images.toml alone."""
    from orbiter.edit.apply import write_edited

    path = edited.images_file.path
    if output_format == "text":
        _print_changes(edited)
    end = f"{path} is unchanged"
    if edited.changes and dry_run:
        end = f"dry run: {path} was not written"
    elif edited.changes:
        write_edited(edited)
        end = f"wrote {path}: run orbiter lock"
    if output_format == "json":
        from orbiter.edit.report import render

        written = bool(edited.changes) and not dry_run
        version = edited.image_set.version
        click.echo(render(version, edited.changes, written=written), nl=False)
    else:
        print_lines(end)


def _print_changes(edited: "Edited") -> None:
    from orbiter.edit.report import format_edit
    from orbiter.report.phrases import printable

    for line in format_edit(edited.changes, edited.kept):
        print_lines(printable(line))
