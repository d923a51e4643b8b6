"""The report of ``orbiter build --verify`` and ``orbiter release --twice``."""

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from orbiter.cli.audited import print_document
from orbiter.cli.errors import FINDINGS
from orbiter.cli.libraries import print_missing_libraries
from orbiter.cli.options import IMAGES
from orbiter.cli.terminal import print_lines, print_row
from orbiter.cli.tested import exit_if_failed, image_test_check

if TYPE_CHECKING:
    from orbiter.build.built_image import BuiltImage
    from orbiter.build.options import BuildOptions
    from orbiter.cli.results import BuildResult
    from orbiter.lockset.model import LockSet
    from orbiter.release.verify import ImageComparison


def build_verified(
    locked: "LockSet", options: "BuildOptions", output_format: str, *, quiet: bool
) -> None:
    """Build, and compare with the recorded release before anything is loaded, pushed or kept.

    Exits with 1 if the images differ from the release. An audit of equal images would add nothing,
    because it begins with the same comparison.
    """
    from orbiter.build.build import build
    from orbiter.cli.board import Board
    from orbiter.config.read import read_image_checks
    from orbiter.lockset import folder
    from orbiter.lockset.record import read
    from orbiter.release.libraries import LibraryCheck
    from orbiter.release.release import Verification

    record = read(folder.release_folder(locked.manifest.release), locked)
    board = Board(quiet=quiet)
    check = Verification(record, board, push=options.push)
    checks = read_image_checks(IMAGES) if options.push else None
    tests = image_test_check(locked, checks, board) if checks else None
    libraries = LibraryCheck(locked, board)
    built: tuple[BuiltImage, ...] = ()
    try:
        with board:
            built = build(
                locked,
                options,
                board,
                lambda built: check(built) and (not tests or tests(built)) and libraries(built),
            )
    finally:
        # Also printed if loading or pushing fails after the comparison.
        if output_format == "text":
            print_findings(check.findings, locked, equal="as released")
    refused = None
    if output_format == "json":
        refused = build_result(locked, (), check.findings)
    if tests:
        exit_if_failed(tests, "nothing was loaded, pushed or kept", refused)
    if check.allowed and refused:
        print_document(build_result(locked, built, check.findings, accepted=True))
    if check.allowed:
        print_missing_libraries(libraries.findings)
        return
    reason = "this is not the release"
    if check.equal:
        reason = "pushed images would not have the digests of the release"
    print_lines(f"\n{reason}: nothing was loaded, pushed or kept", err=True)
    print_document(refused)
    sys.exit(FINDINGS)


def build_result(
    locked: "LockSet",
    built: "Iterable[BuiltImage]",
    findings: "Iterable[ImageComparison]" = (),
    *,
    accepted: bool = False,
) -> "BuildResult":
    """Return the document of a build."""
    from orbiter.cli.results import BuildResult, comparisons_of, images_of

    return BuildResult(
        release=locked.manifest.release,
        accepted=accepted,
        images=images_of(built),
        comparisons=comparisons_of(findings),
    )


def print_findings(findings: "Iterable[ImageComparison]", locked: "LockSet", *, equal: str) -> None:
    """Print a line for each compared image; ``equal`` describes those that do not differ."""
    findings = tuple(findings)
    several = len({finding.platform for finding in findings}) > 1
    results = {"same": equal, "compression": f"{equal}, except for the compression"}
    for finding in findings:
        platform = finding.platform if several else ""
        name = image_name(finding.stage, locked.manifest.release, platform)
        print_row(name, finding.digest, results.get(finding.kind, "DIFFERS"))
        for line in finding.why:
            print_lines(f"  {line}")


def image_name(stage: str, release: str, platform: str) -> str:
    """Return ``debian-base-0.1.0 linux/amd64``; without the platform if it is empty."""
    return f"{stage}-{release} {platform}".rstrip()
