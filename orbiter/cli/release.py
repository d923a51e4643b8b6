"""The commands that end a release and begin the next: ``orbiter release``, ``orbiter bump``; and what verifies one."""

import sys
from typing import TYPE_CHECKING

import click

from orbiter.cli.errors import SOMETHING_TO_SEE, guarded
from orbiter.cli.options import IMAGES, builder_option, quiet_option

if TYPE_CHECKING:
    from orbiter.config.image_set import ImageSet
    from orbiter.lockset.record import Digests

from orbiter.cli.verify import _name, _tell

MEGABYTE = 1_000_000


@click.command()
@click.option(
    "--twice",
    is_flag=True,
    help="Build a second time; where it differs, say in what, and write nothing.",
)
@builder_option
@quiet_option
@guarded
def release(twice: bool, builder: str | None, quiet: bool) -> None:
    """Build all stages of the release anew and record their digests; from then on its lock set stays as it is.

    Nothing is loaded or pushed. `orbiter build --verify` compares with what is recorded.
    """
    from orbiter.cli.board import Board
    from orbiter.config.read import read_image_set
    from orbiter.lockset import folder, model
    from orbiter.lockset import record as lockset_record
    from orbiter.release.release import release as build_all

    image_set = read_image_set(IMAGES)
    place = folder.folder(image_set.version)
    folder.refuse_released(place)
    _refuse_stale(image_set)
    locked = folder.read(place)
    with Board(quiet=quiet) as board:
        record, findings = build_all(locked, builder or "", board, twice=twice)
    if any(finding.kind != "same" for finding in findings):
        _tell(findings, locked, "as built before")
        click.echo("\nthe second build differs from the first: nothing was written", err=True)
        sys.exit(SOMETHING_TO_SEE)
    lockset_record.write(record, place)
    _tell_released(record.digests)
    click.echo(
        f"wrote {place / model.DIGESTS}: release {image_set.version} stays as it is from now on"
    )


def _refuse_stale(image_set: "ImageSet") -> None:
    from orbiter.lockset.check import check
    from resolvers.errors import ExpectedError

    if reasons := check(image_set):
        lines = "".join(f"\n  {reason}" for reason in reasons)
        raise ExpectedError(
            f"the lock set of release {image_set.version} is stale:{lines}", "orbiter lock"
        )


def _tell_released(digests: "Digests") -> None:
    for stage, images in digests.stages.items():
        for platform, image in images.items():
            name = _name(stage, digests.release, platform if len(images) > 1 else "")
            size = sum(layer.size for layer in image.layers)
            click.echo(f"{name}  {image.digest}  {size / MEGABYTE:.1f} MB")
