"""``orbiter export``."""

from pathlib import Path

import click

from orbiter.cli.errors import guarded
from orbiter.cli.options import locked, release_option


@click.command()
@click.argument(
    "form",
    metavar="conda-lock|explicit|environment",
    type=click.Choice(["conda-lock", "explicit", "environment"]),
)
@click.option(
    "--image", required=True, metavar="NAME", help="The image or stage whose packages these are."
)
@release_option
@click.option("--platform", metavar="OS/ARCH", help="Only this platform.")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write here; else to standard output.",
)
@guarded
def export(
    form: str, image: str, release: str | None, platform: str | None, output: Path | None
) -> None:
    """Write out what conda installs in an image, from its lock set alone.

    conda-lock: a conda-lock.yml. explicit: the addresses and hashes for one platform. environment: an environment.yml
    with what was asked for, pip's part too.
    """
    from orbiter.convert.export import export as text_of
    from orbiter.files import write_text

    text = text_of(form, locked(release), image, platform or "")
    if output:
        write_text(output, text)
    else:
        click.echo(text, nl=False)
