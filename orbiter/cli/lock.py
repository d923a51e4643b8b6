"""``orbiter lock``."""

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from orbiter.cli.errors import SOMETHING_TO_SEE, guarded
from orbiter.cli.options import (
    IMAGES,
    quiet_option,
)

if TYPE_CHECKING:
    from orbiter.config.image_set import ImageSet
    from orbiter.lockset.model import LockSet


@click.command()
@click.option(
    "--check",
    is_flag=True,
    help="Only say whether the lock set is fresh: 0 fresh, 1 stale, 2 broken.",
)
@click.option("--dry-run", is_flag=True, help="Solve and say what would move; write nothing.")
@click.option(
    "--upgrade", is_flag=True, help="Move every pin to the newest that fits, base images too."
)
@click.option(
    "--upgrade-package",
    "packages",
    multiple=True,
    metavar="NAME[==VERSION]",
    help="Move this package; may be repeated.",
)
@click.option(
    "--as-of",
    metavar="DATE",
    help="Only what was published before DATE (2026-08-01 or 2026-08-01T12:00:00Z; conda, pip and npm).",
)
@click.option(
    "--only",
    metavar="MANAGERS",
    help="Lock only these managers, separated by commas: apk, apt, conda, pip, npm.",
)
@quiet_option
@guarded
def lock(
    check: bool,
    dry_run: bool,
    upgrade: bool,
    packages: tuple[str, ...],
    as_of: str | None,
    only: str,
    quiet: bool,
) -> None:
    """Resolve everything that images.toml asks for into locks/<release>/; a released lock set stays as it is."""
    from orbiter.config.read import read_image_set
    from orbiter.lockset import folder

    if check and (dry_run or upgrade or packages or as_of or only):
        raise click.UsageError("--check stands alone: it only reads")
    image_set = read_image_set(IMAGES)
    if check:
        _check(image_set)
        return
    place = folder.folder(image_set.version)
    if not dry_run:
        folder.refuse_released(place)
    from orbiter.cli.board import Board
    from orbiter.locking.doors import LocalEnvironment
    from orbiter.locking.lock import lock as lock_all
    from orbiter.locking.options import lock_options

    options = lock_options(
        image_set, upgrade=upgrade, packages=packages, as_of=as_of, only=only, now=datetime.now(UTC)
    )
    previous = folder.previous(image_set.version)
    with Board(quiet=quiet) as board:
        locked = lock_all(image_set, previous, options, LocalEnvironment(), board)
    _print_moved(image_set, previous, locked)
    if previous is None or previous.root != locked.root:
        _print_differences(locked)
    if dry_run:
        click.echo(f"dry run: {place} was not written")
    elif folder.write(locked, place):
        click.echo(f"wrote {place} ({locked.root})")
    else:
        click.echo(f"{place} is up to date ({locked.root})")


def _check(image_set: "ImageSet") -> None:
    from orbiter.lockset import folder
    from orbiter.lockset.check import check as reasons_of

    reasons = reasons_of(image_set)
    for reason in reasons:
        click.echo(f"stale: {reason}")
    if reasons:
        released = folder.is_released(folder.folder(image_set.version))
        click.echo(f"\nhint: {folder.NEXT if released else 'orbiter lock'}", err=True)
        sys.exit(SOMETHING_TO_SEE)
    click.echo(f"locks/{image_set.version} is fresh")


def _print_moved(image_set: "ImageSet", previous: "LockSet | None", locked: "LockSet") -> None:
    from orbiter.config.requirements import direct_names
    from orbiter.locking.changes import moved, report

    start = f"from {previous.manifest.release}" if previous else "first lock"
    click.echo(f"release {image_set.version} ({start}, packages as of {locked.manifest.cutoff})")
    click.echo(report(moved(previous, locked), direct_names(image_set)))


def _print_differences(locked: "LockSet") -> None:
    from orbiter.diff.builders import builder_differences
    from orbiter.report.builders import format_differences

    if found := builder_differences(locked):
        click.echo(format_differences(found))
