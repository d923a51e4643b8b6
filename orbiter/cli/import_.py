"""``orbiter import``: import another tool's file into images.toml."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from orbiter.cli.directory import UserPath
from orbiter.cli.errors import guarded
from orbiter.cli.options import IMAGES
from resolvers.errors import ExpectedError

if TYPE_CHECKING:
    from orbiter.convert.add_to_image import ImportResult


@click.command("import")
@click.argument("file", type=UserPath(exists=True, dir_okay=False))
@click.option(
    "--image",
    metavar="NAME",
    help="The image or stage that an environment.yml is added to, such as micromamba-base.",
)
@click.option("--dry-run", is_flag=True, help="Print the result; write nothing.")
@guarded
def import_file(file: Path, image: str | None, dry_run: bool) -> None:
    """Import FILE of another tool into images.toml.

    The type of FILE is detected from its content. The conda and pip requirements of an
    environment.yml are added to an image; existing entries stay as they are. The invoke.yaml of
    the original Orbiter becomes a new images.toml. Anything that cannot be imported is listed
    with the reason.
    """
    if image is None:
        _import_image_set(file, dry_run)
    else:
        _import_environment(file, image, dry_run)


def _import_image_set(file: Path, dry_run: bool) -> None:
    from orbiter.convert.invoke.image_set import import_image_set

    imported = import_image_set(file, IMAGES)
    if IMAGES.exists() and not dry_run:
        raise ExpectedError(
            f"{IMAGES} already exists, and {file} describes a whole image set",
            f"move {IMAGES} away first, or print the new file with --dry-run",
        )
    for note in imported.notes:
        click.echo(str(note), err=True)
    if dry_run:
        click.echo(imported.text, nl=False)
    else:
        _write(imported.text)


def _import_environment(file: Path, image: str, dry_run: bool) -> None:
    from orbiter.convert.add_to_image import import_environment, read_text
    from orbiter.convert.invoke.yaml import is_image_set

    if is_image_set(read_text(file)):
        raise ExpectedError(
            f"{file} describes a whole image set, not the requirements of one image",
            "leave out --image",
        )
    imported = import_environment(file, IMAGES, image)
    _report(imported)
    if not imported.added:
        click.echo(f"{IMAGES} is unchanged: it already has all requirements of {file}")
    elif dry_run:
        click.echo(f"dry run: {IMAGES} was not written")
    else:
        _write(imported.text)


def _write(text: str) -> None:
    from orbiter.files import write_text

    write_text(IMAGES, text)
    click.echo(f"wrote {IMAGES}: review it, then run orbiter lock")


def _report(imported: "ImportResult") -> None:
    for table in imported.tables:
        click.echo(f"new: {table}")
    if imported.channels:
        click.echo(f"channels: {', '.join(imported.channels)} added")
    for manager, requirements in imported.added.items():
        click.echo(f"{imported.stage} {manager}: {len(requirements)} added")
        for requirement in requirements:
            click.echo(f"    + {requirement}")
    for left_out in imported.left_out:
        click.echo(f"left out: {left_out}", err=True)
