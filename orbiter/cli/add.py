"""``orbiter add``: add requirements to images.toml and lock them."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

import click

from orbiter.cli import edited
from orbiter.cli.completion import complete_stage
from orbiter.cli.errors import guarded, warn
from orbiter.cli.options import IMAGES, MANAGERS, format_option, quiet_option
from resolvers.errors import ExpectedError

if TYPE_CHECKING:
    from orbiter.edit.changes import Edited
    from orbiter.lockset.model import LockSet


@click.command()
@click.argument("requirements", nargs=-1, required=True, metavar="REQUIREMENT...")
@click.option(
    "--image",
    "images",
    shell_complete=complete_stage,
    multiple=True,
    metavar="NAME",
    help="The image or stage (default: the only image, or the only one with a build stage); "
    "repeatable.",
)
@click.option(
    "--manager",
    type=click.Choice(MANAGERS),
    help="The package manager (default: the one that the form of the requirement or the lists "
    "of the image show, else conda or pip).",
)
@edited.no_lock_option
@edited.dry_run_option
@edited.only_option
@format_option
@quiet_option
@guarded
def add(
    requirements: tuple[str, ...],
    images: tuple[str, ...],
    manager: str | None,
    no_lock: bool,
    dry_run: bool,
    only: str | None,
    output_format: str,
    quiet: bool,
) -> None:
    """Add requirements to images.toml and lock them.

    A requirement such as 'pandas>=3' replaces the one for the same package.
    A name alone gets a bound from the version that was locked. If locking
    fails, images.toml stays as it is.
    """
    from orbiter.edit.add import add as add_requirements
    from orbiter.edit.images_file import read_images_file
    from orbiter.edit.stages import find_targets

    images_file = read_images_file(IMAGES)
    targets = find_targets(images_file, images)
    added = add_requirements(images_file, requirements, targets, manager or "")
    with _explained(added) if manager is None else nullcontext():
        edited.apply_edit(
            added,
            no_lock=no_lock,
            dry_run=dry_run,
            only=only,
            output_format=output_format,
            quiet=quiet,
        )


@contextmanager
def _explained(added: "Edited") -> Iterator[None]:
    """Warn about names that system packages have, and mention these packages in errors."""
    from orbiter.edit.system_packages import namesakes, with_remedy

    for problem, remedy in namesakes(added, _locked(added.image_set.version)):
        warn(problem, remedy)
    try:
        yield
    except ExpectedError as error:
        raise with_remedy(error, added) from error


def _locked(release: str) -> "LockSet | None":
    """Return the lock set to compare with; None without one, or if it is broken."""
    from orbiter.lockset import folder

    try:
        return folder.previous(release)
    except ExpectedError:
        return None  # locking reports it, and --no-lock needs none
