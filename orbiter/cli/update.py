"""``orbiter update``: upgrade packages of the lock set."""

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from orbiter.cli.errors import FINDINGS, guarded, print_hint, warn
from orbiter.cli.locked import print_json, print_result, print_warnings, write_lock_set
from orbiter.cli.options import IMAGES, MANAGERS, format_option, quiet_option, stages_option
from orbiter.cli.terminal import print_lines

if TYPE_CHECKING:
    from orbiter.config.image_set import ImageSet
    from orbiter.edit.update import ChosenPackages, Updated
    from orbiter.locking.work import LargestStep, LockOptions
    from orbiter.lockset.model import LockSet

MAX_COSTLY = 5
"""Packages that are listed with the number of others that they move."""


@click.command()
@click.argument("packages", nargs=-1, metavar="[PACKAGE[==VERSION]]...")
@stages_option
@click.option(
    "--manager", type=click.Choice(MANAGERS), help="Only packages of this package manager."
)
@click.option(
    "--patch",
    "largest_step",
    flag_value="patch",
    help="No package makes a larger step than from 1.2.3 to 1.2.4.",
)
@click.option(
    "--minor",
    "largest_step",
    flag_value="minor",
    help="No package makes a larger step than from 1.2.3 to 1.3.0.",
)
@click.option(
    "--max-moves",
    type=click.IntRange(min=0),
    metavar="N",
    help="Write nothing and exit with 1 if more packages would move.",
)
@click.option(
    "--as-of",
    metavar="DATE",
    help="Use only packages published before DATE, such as 2026-08-01 (conda, pip and npm only).",
)
@click.option("--dry-run", is_flag=True, help="Resolve and report changes; write nothing.")
@click.option(
    "--only",
    metavar="MANAGERS",
    help="Lock only these managers, separated by commas, as with orbiter lock.",
)
@format_option
@quiet_option
@guarded
def update(
    packages: tuple[str, ...],
    stages: tuple[str, ...],
    manager: str | None,
    largest_step: "LargestStep | None",
    max_moves: int | None,
    as_of: str | None,
    dry_run: bool,
    only: str | None,
    output_format: str,
    quiet: bool,
) -> None:
    """Upgrade packages, or all requirements of images.toml.

    Only the named packages move, and those that must move with them. With
    --patch or --minor, packages of pip and rattler move as far as allowed; other
    packages whose newest version is further away stay.
    """
    from orbiter.edit.images_file import read_images_file
    from orbiter.edit.stages import find_targets
    from orbiter.edit.update import select
    from orbiter.locking.options import lock_options, parse_package
    from orbiter.lockset import folder

    images_file = read_images_file(IMAGES)
    image_set, now = images_file.image_set, datetime.now(UTC)
    options = lock_options(image_set, upgrade=False, packages=(), as_of=as_of, only=only, now=now)
    targets = find_targets(images_file, stages) if stages else ()
    previous = _previous(image_set, dry_run=dry_run)
    named = dict(parse_package(text, "update") for text in packages)
    selection = select(image_set, previous, named, targets, manager or "")
    updated = _update(image_set, previous, selection, options, largest_step or "", quiet=quiet)
    is_refused = max_moves is not None and updated.moves.count > max_moves
    path = folder.release_folder(image_set.version)
    if output_format == "text":
        print_result(previous, updated.locked, updated.moves)
    if not is_refused and not dry_run:
        write_lock_set(updated.locked, announce=output_format == "text")
    elif output_format == "text" and not is_refused:
        click.echo(f"dry run: {path} was not written")
    if output_format == "json":
        print_json(updated.locked, updated.moves, written=not (is_refused or dry_run))
    _report_held(updated, largest_step or "")
    print_warnings(updated.locked)
    if is_refused:
        _refuse(updated, max_moves or 0)


def _previous(image_set: "ImageSet", *, dry_run: bool) -> "LockSet":
    """Return the lock set to upgrade."""
    from orbiter.lockset import exchange, folder
    from resolvers.errors import ExpectedError

    if not dry_run:
        exchange.recover(folder.LOCKS)
        folder.refuse_released(folder.release_folder(image_set.version))
    previous = folder.previous(image_set.version)
    if previous is None:
        raise ExpectedError("there is nothing to update: no release is locked", "run orbiter lock")
    return previous


def _update(
    image_set: "ImageSet",
    previous: "LockSet",
    selection: "ChosenPackages",
    options: "LockOptions",
    largest_step: "LargestStep",
    *,
    quiet: bool,
) -> "Updated":
    from msgspec.structs import replace

    from orbiter.cli.board import Board
    from orbiter.edit.update import update as update_packages
    from orbiter.locking.environment import LocalEnvironment

    limited = replace(options, largest_step=largest_step)
    with Board(quiet=quiet) as board:
        return update_packages(image_set, previous, selection, limited, LocalEnvironment(), board)


def _report_held(updated: "Updated", largest_step: str) -> None:
    """Print the packages that stayed because a step would have been too large."""
    from orbiter.report.lock_sets import step_of

    for name, move in sorted(updated.held.items()):
        warn(
            f"{name} was not upgraded: {step_of(move)}",
            f"leave out --{largest_step}, or edit images.toml",
        )


def _refuse(updated: "Updated", max_moves: int) -> None:
    """Print which packages cause the moves, and exit with 1."""
    count = updated.moves.count
    print_lines(
        f"\n{count} packages would move, and --max-moves allows {max_moves}: nothing was written",
        err=True,
    )
    costly = updated.moves.by_root
    for name, moved in costly[:MAX_COSTLY]:
        print_lines(f"    {name} moves {moved} other{'' if moved == 1 else 's'}", err=True)
    print_hint(f"update fewer packages, or allow more: --max-moves {count}")
    sys.exit(FINDINGS)
