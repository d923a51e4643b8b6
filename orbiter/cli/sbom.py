"""``orbiter sbom``: list everything in an image, for other tools."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from orbiter.cli.directory import UserPath
from orbiter.cli.errors import guarded, warn
from orbiter.cli.options import platform_option, read_lock_set, release_option, stages_option
from resolvers.errors import ExpectedError

if TYPE_CHECKING:
    from orbiter.lockset.model import LockSet
    from orbiter.sbom.model import Bill

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
    "--attach", is_flag=True, help="Attach the SBOM of each pushed image to it in its registry."
)
@click.option(
    "-o",
    "--output",
    type=UserPath(dir_okay=False),
    help="Write to this file (default: standard output).",
)
@guarded
def sbom(
    release: str | None,
    stages: tuple[str, ...],
    platforms: tuple[str, ...],
    file_format: str,
    from_store: bool,
    attach: bool,
    output: Path | None,
) -> None:
    """Write the bill of materials (SBOM) of images.

    It follows from the lock set alone, so it needs neither a network nor the images. Without
    --image it describes all images of the release. Lock files of pip, conda and apt have no
    licences: see --from-store.
    """
    from orbiter.files import write_text
    from orbiter.sbom.formats import format_bill

    lock_set = read_lock_set(release)
    if attach:
        _refuse_with_attach(platforms, output)
        _attach(lock_set, stages, file_format, from_store=from_store)
        return
    bill = _bill(lock_set, stages, platforms, from_store=from_store)
    text = format_bill(bill, file_format)
    if output:
        write_text(output, text)
    else:
        click.echo(text, nl=False)
    _warn_incomplete(bill.incomplete)


def _bill(
    lock_set: "LockSet", stages: tuple[str, ...], platforms: tuple[str, ...], *, from_store: bool
) -> "Bill":
    from orbiter.sbom.collect import bill_of

    bill = bill_of(lock_set, stages, platforms)
    if not from_store:
        return bill
    from orbiter.sbom.artifacts import with_artifact_facts
    from orbiter.store.store import Store

    return with_artifact_facts(bill, Store())


def _refuse_with_attach(platforms: tuple[str, ...], output: Path | None) -> None:
    """Raise ExpectedError for options that have no meaning for attached SBOMs."""
    options = {"--platform": bool(platforms), "--output": output is not None}
    used = [name for name, is_used in options.items() if is_used]
    if used:
        raise ExpectedError(
            f"--attach and {used[0]} exclude each other",
            "an attached SBOM describes the image that its tag names, for all platforms",
        )


def _attach(
    lock_set: "LockSet", stages: tuple[str, ...], file_format: str, *, from_store: bool
) -> None:
    """Attach an SBOM to each image; all bills are made before the first one is attached."""
    from orbiter.docker.client import credentials
    from orbiter.lockset.names import resolve_stages
    from orbiter.lockset.record import image_stages
    from orbiter.oci.published import read_image
    from orbiter.render.bake_file import tag
    from orbiter.sbom.attach import attach_bill

    names = resolve_stages(lock_set, stages) or tuple(image_stages(lock_set))
    bills = {name: _bill(lock_set, (name,), (), from_store=from_store) for name in names}
    for name, bill in bills.items():
        reference = tag(lock_set.image_set, name)
        published = read_image(reference, credentials)
        is_new = attach_bill(bill, file_format, published)
        state = "attached" if is_new else "already attached"
        click.echo(f"{reference}  {published.digest}  {state}")
    _warn_incomplete(
        tuple(dict.fromkeys(ref for bill in bills.values() for ref in bill.incomplete))
    )


def _warn_incomplete(refs: tuple[str, ...]) -> None:
    if refs:
        warn(
            f"the SBOM does not list everything in {', '.join(refs)}",
            "a lock set does not name the packages of a base image, or what network = true loads",
        )
