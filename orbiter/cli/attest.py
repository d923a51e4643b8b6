"""``orbiter attest``: write the provenance of an image."""

from pathlib import Path

import click

from orbiter.cli.completion import complete_image
from orbiter.cli.directory import UserPath
from orbiter.cli.errors import guarded
from orbiter.cli.options import read_derived_lock_set, release_option
from orbiter.cli.provenance import read_provenance, warn_incomplete


@click.command()
@click.option(
    "--image",
    required=True,
    metavar="NAME",
    shell_complete=complete_image,
    help="The image to describe.",
)
@release_option
@click.option(
    "-o",
    "--output",
    type=UserPath(dir_okay=False),
    help="Write to this file (default: standard output).",
)
@guarded
def attest(image: str, release: str | None, output: Path | None) -> None:
    """Write the provenance of an image.

    It is an in-toto statement that names the digests of the image and of everything that went into
    it, as SLSA describes. It follows from the lock set and the recorded digests, so it needs
    neither a network nor the image.
    """
    from orbiter.files import write_text

    (provenance,) = read_provenance(read_derived_lock_set(release), (image,))
    if output:
        write_text(output, provenance.statement())
    else:
        click.echo(provenance.statement(), nl=False)
    warn_incomplete([provenance])
