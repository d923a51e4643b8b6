"""``orbiter test``: run the tests of images."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orbiter.cli.completion import complete_platform
from orbiter.cli.directory import UserPath
from orbiter.cli.errors import FINDINGS, guarded
from orbiter.cli.options import (
    IMAGES,
    format_option,
    locked_option,
    quiet_option,
    read_lock_set,
    release_option,
    stages_option,
)
from resolvers.errors import ExpectedError

if TYPE_CHECKING:
    from orbiter.image_tests.results import ImageTestReport


@click.command()
@release_option
@locked_option
@stages_option
@click.option(
    "--platform",
    shell_complete=complete_platform,
    metavar="OS/ARCH",
    default="",
    help="Test the images for this platform (default: that of the Docker engine).",
)
@format_option
@click.option(
    "--junit",
    type=UserPath(dir_okay=False),
    help="Also write the results to this file as JUnit XML.",
)
@quiet_option
@guarded
def test(
    release: str | None,
    locked: bool,
    stages: tuple[str, ...],
    platform: str,
    output_format: str,
    junit: Path | None,
    quiet: bool,
) -> None:
    """Run the tests of built images.

    The tests are the commands in `verify` and the notebooks in `verify-notebooks` of images.toml,
    as they are now, for any release. Each runs in a container of its own, as the image's user and
    without network access. Exits with 1 if a test fails.
    """
    from orbiter.cli.board import Board
    from orbiter.config.read import read_image_checks
    from orbiter.image_tests.passes import record_pass
    from orbiter.image_tests.results import ImageTestReport
    from orbiter.image_tests.run import run_tests
    from orbiter.image_tests.select import built_images, untested
    from orbiter.lockset.names import check_platforms

    _check_folder(junit)
    lock_set = read_lock_set(release, locked=locked)
    check_platforms(lock_set, [platform] if platform else [])
    tests = read_image_checks(IMAGES).tests
    images = built_images(lock_set, stages, platform, tests)
    with Board(quiet=quiet) as board:
        report = board("tests")
        results = run_tests(images, IMAGES.parent, report)
        report("")
    for image, result in zip(images, results, strict=True):
        record_pass(result, image.tests)
    _show(
        ImageTestReport(
            release=lock_set.manifest.release,
            images=results,
            not_tested=untested(lock_set, images, tests),
        ),
        output_format,
        junit,
    )


def _check_folder(junit: Path | None) -> None:
    """Raise ExpectedError before any test runs if the folder of a file does not exist."""
    if junit and not junit.parent.is_dir():
        raise ExpectedError(f"cannot write {junit}: there is no folder {junit.parent}")


def _show(report: "ImageTestReport", output_format: str, junit: Path | None) -> None:
    from orbiter.files import write_text
    from orbiter.image_tests.report import json, text
    from orbiter.image_tests.report import junit as junit_report

    if junit:
        write_text(junit, junit_report.render(report))
    render = json.render if output_format == "json" else text.render
    click.echo(render(report), nl=False)
    if not report.passed:
        sys.exit(FINDINGS)
