"""``orbiter export``: write an image's conda packages for other tools."""

from pathlib import Path

import click

from orbiter.cli.directory import UserPath
from orbiter.cli.errors import guarded
from orbiter.cli.options import read_lock_set, release_option


@click.command()
@click.argument(
    "file_format",
    metavar="conda-lock|explicit|environment",
    type=click.Choice(["conda-lock", "explicit", "environment"]),
)
@click.option("--image", required=True, metavar="NAME", help="The image or stage to export.")
@release_option
@click.option("--platform", metavar="OS/ARCH", help="Only this platform.")
@click.option(
    "-o",
    "--output",
    type=UserPath(dir_okay=False),
    help="Write to this file (default: standard output).",
)
@guarded
def export(
    file_format: str, image: str, release: str | None, platform: str | None, output: Path | None
) -> None:
    """Export an image's conda packages from its lock set.

    conda-lock writes a conda-lock.yml, explicit the URLs and hashes for one platform, and
    environment an environment.yml with the requirements, including those for pip.
    """
    from orbiter.convert.export import export as export_text
    from orbiter.files import write_text

    text = export_text(file_format, read_lock_set(release), image, platform or "")
    if output:
        write_text(output, text)
    else:
        click.echo(text, nl=False)
