"""``orbiter sbom``: list everything in an image, for other tools."""

from pathlib import Path

import click

from orbiter.cli.errors import guarded, warn
from orbiter.cli.options import platform_option, read_lock_set, release_option, stages_option

SBOM_FORMATS = ("cyclonedx-1.6", "cyclonedx-1.7", "spdx-2.3")


@click.command()
@release_option
@stages_option
@platform_option
@click.option(
    "--format",
    "file_format",
    type=click.Choice(SBOM_FORMATS),
    default=SBOM_FORMATS[0],
    show_default=True,
    help="The format, in JSON.",
)
@click.option(
    "--from-store",
    is_flag=True,
    help="Also read licences and Debian sources from the packages in the store.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write to this file (default: standard output).",
)
@guarded
def sbom(
    release: str | None,
    stages: tuple[str, ...],
    platforms: tuple[str, ...],
    file_format: str,
    from_store: bool,
    output: Path | None,
) -> None:
    """Write the bill of materials (SBOM) of images.

    It follows from the lock set alone, so it needs neither a network nor the images. Without
    --image it describes all images of the release. Lock files of pip, conda and apt have no
    licences: see --from-store.
    """
    from orbiter.files import write_text
    from orbiter.sbom.collect import bill_of
    from orbiter.sbom.formats import format_bill

    bill = bill_of(read_lock_set(release), stages, platforms)
    if from_store:
        from orbiter.sbom.artifacts import with_artifact_facts
        from orbiter.store.store import Store

        bill = with_artifact_facts(bill, Store())
    text = format_bill(bill, file_format)
    if output:
        write_text(output, text)
    else:
        click.echo(text, nl=False)
    if bill.incomplete:
        warn(
            f"the SBOM does not list everything in {', '.join(bill.incomplete)}",
            "a lock set does not name the packages of a base image, or what network = true loads",
        )
