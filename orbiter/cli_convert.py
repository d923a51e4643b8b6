"""The commands that take environments of conda in, and give them out: ``orbiter import`` and ``orbiter export``."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from orbiter.cli_options import IMAGES, locked, release_option
from orbiter.guard import guarded

if TYPE_CHECKING:
    from orbiter.importing import Imported


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--image", required=True, metavar="NAME", help="The image or stage that it is for: micromamba-base.")
@click.option("--dry-run", is_flag=True, help="Say what would be added; write nothing.")
@guarded
def import_file(file: Path, image: str, dry_run: bool) -> None:
    """Add the conda and pip requirements of FILE, an environment.yml, to an image of images.toml.

    What is there stays as it is. What cannot be carried over is told, each with the reason.
    """
    from orbiter.importing import importing, write

    imported = importing(file, IMAGES, image)
    _tell(imported)
    for each in imported.left_out:
        click.echo(f"left out: {each}", err=True)
    if not imported.added:
        click.echo(f"{IMAGES} stays as it is: it has all that can be imported from {file}")
    elif dry_run:
        click.echo(f"dry run: {IMAGES} was not written")
    else:
        write(IMAGES, imported.text)
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


@click.command()
@click.argument(
    "form", metavar="conda-lock|explicit|environment", type=click.Choice(["conda-lock", "explicit", "environment"])
)
@click.option("--image", required=True, metavar="NAME", help="The image or stage whose packages these are.")
@release_option
@click.option("--platform", metavar="OS/ARCH", help="Only this platform.")
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write here; else to standard output."
)
@guarded
def export(form: str, image: str, release: str | None, platform: str | None, output: Path | None) -> None:
    """Write out what conda installs in an image, from its lock set alone.

    conda-lock: a conda-lock.yml. explicit: the addresses and hashes for one platform. environment: an environment.yml
    with what was asked for, pip's part too.
    """
    from orbiter.export import export as text_of
    from orbiter.importing import write

    text = text_of(form, locked(release), image, platform or "")
    if output:
        write(output, text)
    else:
        click.echo(text, nl=False)
