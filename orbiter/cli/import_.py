"""The commands that convert: ``orbiter import`` takes files of other tools in, ``orbiter export`` gives files out."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from orbiter.cli.errors import guarded
from orbiter.cli.options import IMAGES
from resolvers.errors import ExpectedError

if TYPE_CHECKING:
    from orbiter.convert.add_to_image import Imported


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--image",
    metavar="NAME",
    help="The image or stage that an environment.yml is for: micromamba-base.",
)
@click.option("--dry-run", is_flag=True, help="Show what would be written; write nothing.")
@guarded
def import_file(file: Path, image: str | None, dry_run: bool) -> None:
    """Take over FILE into images.toml, by what is in it.

    An environment.yml: its conda and pip requirements are added to an image; what is there stays as it is. The
    invoke.yaml of the original Orbiter: a new images.toml with all its images. What cannot be carried over is told,
    each with the reason.
    """
    if image is None:
        _import_set(file, dry_run)
    else:
        _import_environment(file, image, dry_run)


def _import_set(file: Path, dry_run: bool) -> None:
    from orbiter.convert.invoke.image_set import importing_set
    from orbiter.files import write_text

    imported = importing_set(file, IMAGES)
    if IMAGES.exists() and not dry_run:
        problem = (
            f"{IMAGES} exists already, and {file} is a whole image set, not an addition to one"
        )
        raise ExpectedError(
            problem, f"move {IMAGES} away first, or print the new one with --dry-run"
        )
    for note in imported.notes:
        click.echo(str(note), err=True)
    if dry_run:
        click.echo(imported.text, nl=False)
    else:
        write_text(IMAGES, imported.text)
        click.echo(f"wrote {IMAGES}: look through it, then run orbiter lock")


def _import_environment(file: Path, image: str, dry_run: bool) -> None:
    from orbiter.convert.add_to_image import importing, text_of
    from orbiter.convert.invoke.yaml import is_image_set
    from orbiter.files import write_text

    if is_image_set(text_of(file)):
        raise ExpectedError(
            f"{file} is a whole image set, not what one image asks for", "leave out --image"
        )
    imported = importing(file, IMAGES, image)
    _tell(imported)
    for each in imported.left_out:
        click.echo(f"left out: {each}", err=True)
    if not imported.added:
        click.echo(f"{IMAGES} stays as it is: it has all that can be imported from {file}")
    elif dry_run:
        click.echo(f"dry run: {IMAGES} was not written")
    else:
        write_text(IMAGES, imported.text)
        click.echo(f"wrote {IMAGES}: look through it, then run orbiter lock")


def _tell(imported: "Imported") -> None:
    for table in imported.tables:
        click.echo(f"new: {table}")
    if imported.channels:
        click.echo(f"channels: {', '.join(imported.channels)} added")
    for manager, texts in imported.added.items():
        click.echo(f"{imported.stage} {manager}: {len(texts)} added")
        for text in texts:
            click.echo(f"    + {text}")
