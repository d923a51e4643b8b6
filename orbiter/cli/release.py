"""``orbiter release``: record the digests of a release."""

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from orbiter.cli.audited import (
    audited_option,
    exit_if_rejected,
    print_document,
)
from orbiter.cli.errors import FINDINGS, guarded
from orbiter.cli.options import IMAGES, builder_option, format_option, quiet_option
from orbiter.cli.terminal import print_lines, print_row
from orbiter.cli.tested import exit_if_failed, image_test_check
from orbiter.cli.verify import image_name, print_findings
from orbiter.sizes import MEGABYTE

if TYPE_CHECKING:
    from orbiter.cli.results import ReleaseResult
    from orbiter.lockset.record import Digests
    from orbiter.release.verify import ImageComparison


@click.command()
@click.option(
    "--twice",
    is_flag=True,
    help="Build twice; if the builds differ, report how and write nothing.",
)
@audited_option
@builder_option
@format_option
@quiet_option
@guarded
def release(
    twice: bool, audited: bool, builder: str | None, output_format: str, quiet: bool
) -> None:
    """Rebuild all images and record their digests.

    From then on, the release's lock set cannot change. Nothing is loaded or pushed. `orbiter
    build --verify` compares later builds with the recorded digests. With `require-audit = true`
    in images.toml, --audited is the default. Images with tests in images.toml must pass them.
    """
    from orbiter.cli.board import Board
    from orbiter.config.read import read_project_config
    from orbiter.lockset import exchange, folder
    from orbiter.lockset.check import read_fresh
    from orbiter.lockset.model import DIGESTS
    from orbiter.lockset.record import write
    from orbiter.release.audited import AuditCheck
    from orbiter.release.release import build_release as record_release

    image_set, checks = read_project_config(IMAGES)
    exchange.recover(folder.LOCKS)
    path = folder.release_folder(image_set.version)
    folder.refuse_released(path)
    locked = read_fresh(image_set)
    is_audited = audited or checks.requires_audit
    with Board(quiet=quiet) as board:
        check = AuditCheck(locked, board, is_required=is_audited, first=True)
        tests = image_test_check(locked, checks, board)
        record, findings = record_release(
            locked,
            builder or "",
            board,
            twice=twice,
            approve=lambda built: check(built) and tests(built),
        )
    refused = None
    if output_format == "json":
        refused = _document(image_set.version, findings)
    exit_if_rejected(check, "nothing was written", refused)
    exit_if_failed(tests, "nothing was written", refused)
    if any(finding.kind != "same" for finding in findings):
        if not refused:
            print_findings(findings, locked, equal="as in the first build")
        print_lines("\nthe second build differs from the first: nothing was written", err=True)
        print_document(refused)
        sys.exit(FINDINGS)
    write(record, path)
    if output_format == "json":
        print_document(_document(image_set.version, (), record.digests))
        return
    _print_digests(record.digests)
    print_lines(f"wrote {path / DIGESTS}: release {image_set.version} is now fixed")


def _print_digests(digests: "Digests") -> None:
    for stage, images in digests.stages.items():
        several = len(images) > 1
        for platform, image in images.items():
            name = image_name(stage, digests.release, platform if several else "")
            print_row(name, image.digest, f"{image.size / MEGABYTE:.1f} MB")


def _document(
    release: str, findings: "Iterable[ImageComparison]", digests: "Digests | None" = None
) -> "ReleaseResult":
    """Return the document about a release, which is accepted if there are recorded digests."""
    from orbiter.cli.results import ReleasedImage, ReleaseResult, comparisons_of

    stages = digests.stages if digests else {}
    return ReleaseResult(
        release=release,
        accepted=digests is not None,
        images=tuple(
            ReleasedImage(
                image=stage,
                platform=platform,
                digest=image.digest,
                size=image.size,
            )
            for stage, images in stages.items()
            for platform, image in images.items()
        ),
        comparisons=comparisons_of(findings),
    )
