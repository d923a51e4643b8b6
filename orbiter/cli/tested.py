"""The tests of built images before they are pushed or recorded."""

import sys
from typing import TYPE_CHECKING

import click

from orbiter.cli.audited import print_document
from orbiter.cli.errors import FINDINGS, warn
from orbiter.cli.options import IMAGES
from orbiter.cli.terminal import print_lines

if TYPE_CHECKING:
    from orbiter.config.read import ImageChecks
    from orbiter.documents import Document
    from orbiter.lockset.model import LockSet
    from orbiter.release.tested import ImageTestCheck
    from orbiter.tasks import StartTask


def image_test_check(
    lock_set: "LockSet", checks: "ImageChecks", start_task: "StartTask"
) -> "ImageTestCheck":
    """Return the check with the tests of images.toml."""
    from orbiter.release.tested import ImageTestCheck

    return ImageTestCheck(lock_set, checks.tests, IMAGES.parent, start_task)


def exit_if_failed(
    check: "ImageTestCheck", consequence: str, refused: "Document | None" = None
) -> None:
    """Print the results of images that do not pass and exit with 1, if there are any.

    With the document ``refused`` for standard output, the results go to standard error.
    """
    from orbiter.image_tests.report import text

    for image, platforms in check.untested.items():
        warn(f"{image} was not tested for {', '.join(platforms)}")
    if check.failed:
        click.echo(text.render(check.report), nl=False, err=refused is not None)
        names = ", ".join(result.image for result in check.failed)
        print_lines(f"\ntests of {names} failed: {consequence}", err=True)
        print_document(refused)
        sys.exit(FINDINGS)
