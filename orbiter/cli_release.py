"""The commands that end a release and begin the next: ``orbiter release``, ``orbiter bump``; and what verifies one."""

import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

import click

from orbiter.cli_options import IMAGES, builder_option, quiet_option
from orbiter.guard import SOMETHING_TO_SEE, guarded

if TYPE_CHECKING:
    from orbiter.bake import BuildOptions
    from orbiter.config import ImageSet
    from orbiter.diff.types import Suggestion
    from orbiter.digests import Digests
    from orbiter.lockset import LockSet
    from orbiter.verify import Finding

MEGABYTE = 1_000_000


@click.command()
@click.option("--twice", is_flag=True, help="Build a second time; where it differs, say in what, and write nothing.")
@builder_option
@quiet_option
@guarded
def release(twice: bool, builder: str | None, quiet: bool) -> None:
    """Build all stages of the release anew and record their digests; from then on its lock set stays as it is.

    Nothing is loaded or pushed. `orbiter build --verify` compares with what is recorded.
    """
    from orbiter import digests, lockset
    from orbiter.config import read_image_set
    from orbiter.progress import Board
    from orbiter.release import release as build_all

    image_set = read_image_set(IMAGES)
    place = lockset.folder(image_set.version)
    lockset.refuse_released(place)
    _refuse_stale(image_set)
    locked = lockset.read(place)
    with Board(quiet=quiet) as board:
        record, findings = build_all(locked, builder or "", board, twice=twice)
    if any(finding.kind != "same" for finding in findings):
        _tell(findings, locked, "as built before")
        click.echo("\nthe second build differs from the first: nothing was written", err=True)
        sys.exit(SOMETHING_TO_SEE)
    digests.write(record, place)
    _tell_released(record.digests)
    click.echo(f"wrote {place / lockset.DIGESTS}: release {image_set.version} stays as it is from now on")


def _refuse_stale(image_set: "ImageSet") -> None:
    from orbiter.check import check
    from resolvers.errors import ExpectedError

    if reasons := check(image_set):
        lines = "".join(f"\n  {reason}" for reason in reasons)
        raise ExpectedError(f"the lock set of release {image_set.version} is stale:{lines}", "orbiter lock")


def _tell_released(digests: "Digests") -> None:
    for stage, images in digests.stages.items():
        for platform, image in images.items():
            name = _name(stage, digests.release, platform if len(images) > 1 else "")
            size = sum(layer.size for layer in image.layers)
            click.echo(f"{name}  {image.digest}  {size / MEGABYTE:.1f} MB")


def build_verified(locked: "LockSet", options: "BuildOptions", *, quiet: bool) -> None:
    """Build, and compare with the release before anything is loaded, pushed or kept; exits with 1 if it differs."""
    from orbiter import digests, lockset, stock
    from orbiter.progress import Board
    from orbiter.release import Verification

    record = digests.read(lockset.folder(locked.manifest.release), locked)
    board = Board(quiet=quiet)
    check = Verification(locked, record, board, builder=options.builder, push=options.push)
    try:
        with board:
            stock.build(locked, options, board, check)
    finally:
        _tell(check.findings, locked, "as released")  # also where loading or pushing fails after it
    if not check.allowed:
        why = "pushed, these digests would not be those of the release" if check.equal else "this is not the release"
        click.echo(f"\n{why}: nothing was loaded, pushed or kept", err=True)
        sys.exit(SOMETHING_TO_SEE)


def _tell(findings: "Iterable[Finding]", locked: "LockSet", equal: str) -> None:
    findings = tuple(findings)
    several = len({finding.platform for finding in findings}) > 1
    for finding in findings:
        name = _name(finding.stage, locked.manifest.release, finding.platform if several else "")
        words = {"same": equal, "compression": f"{equal}, but for the compression"}
        click.echo(f"{name}  {finding.digest}  {words.get(finding.kind, 'DIFFERS')}")
        for line in finding.why:
            click.echo(f"  {line}")


def _name(stage: str, release: str, platform: str) -> str:
    return f"{stage}-{release} {platform}".rstrip()


@click.command()
@click.argument("step", type=click.Choice(["patch", "minor", "major", "auto"]))
@quiet_option
@guarded
def bump(step: Literal["patch", "minor", "major", "auto"], quiet: bool) -> None:
    """Write the next release into images.toml, keeping its comments.

    auto solves without writing a lock, compares with the locked release, and takes what diff-locks suggests.
    """
    from orbiter.bump import next_release, write
    from orbiter.config import read_image_set

    image_set = read_image_set(IMAGES)
    if step == "auto":
        suggestion = _suggested(image_set, quiet=quiet)
        number, why = suggestion.release, f" ({suggestion.step}: {suggestion.reason})"
        if not number:
            click.echo(f"{IMAGES} stays at {image_set.version}: nothing would change")
            return
    else:
        number, why = next_release(image_set.version, step), ""
    write(IMAGES, number)
    click.echo(f"{IMAGES}: {image_set.version} → {number}{why}")


def _suggested(image_set: "ImageSet", *, quiet: bool) -> "Suggestion":
    from orbiter.bump import suggested
    from orbiter.options import lock_options
    from orbiter.outside import Outside
    from orbiter.progress import Board

    now = datetime.now(UTC)
    options = lock_options(image_set, upgrade=False, packages=(), as_of=None, only=None, now=now)
    with Board(quiet=quiet) as board:
        return suggested(image_set, options, Outside(), board)
