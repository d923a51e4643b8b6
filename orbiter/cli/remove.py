"""``orbiter remove``: remove requirements from images.toml and lock the rest."""

from typing import TYPE_CHECKING

import click

from orbiter.cli import edited
from orbiter.cli.errors import guarded
from orbiter.cli.options import IMAGES, MANAGERS, format_option, quiet_option, stages_option

if TYPE_CHECKING:
    from orbiter.lockfiles.types import Lock


@click.command()
@click.argument("packages", nargs=-1, required=True, metavar="PACKAGE...")
@stages_option
@click.option(
    "--manager",
    type=click.Choice(MANAGERS),
    help="Only requirements of this package manager.",
)
@edited.no_lock_option
@edited.dry_run_option
@edited.only_option
@format_option
@quiet_option
@guarded
def remove(
    packages: tuple[str, ...],
    stages: tuple[str, ...],
    manager: str | None,
    no_lock: bool,
    dry_run: bool,
    only: str | None,
    output_format: str,
    quiet: bool,
) -> None:
    """Remove requirements from images.toml and lock the rest.

    A package that several lists name needs --image or --manager. If locking
    fails, images.toml stays as it is.
    """
    from orbiter.edit.images_file import read_images_file
    from orbiter.edit.remove import remove as remove_requirements
    from orbiter.edit.stages import find_targets

    images_file = read_images_file(IMAGES)
    targets = find_targets(images_file, stages) if stages else ()
    edited.apply_edit(
        remove_requirements(
            images_file,
            packages,
            targets,
            manager or "",
            lambda: _locked(images_file.image_set.version),
        ),
        no_lock=no_lock,
        dry_run=dry_run,
        only=only,
        output_format=output_format,
        quiet=quiet,
    )


def _locked(release: str) -> "Lock | None":
    """Return the packages of the release, to find out which of them require another one."""
    from orbiter.lockfiles.lock_set import as_lock
    from orbiter.lockset import folder

    previous = folder.previous(release)
    return as_lock(previous, release) if previous else None
