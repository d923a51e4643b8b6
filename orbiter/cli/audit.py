"""``orbiter audit``: report the vulnerabilities of a release."""

from pathlib import Path

import click

from orbiter.cli.errors import guarded
from orbiter.cli.options import release_option
from orbiter.cli.vulnerabilities import (
    SEVERITIES,
    Source,
    audit_release,
    database_option,
    max_age_option,
    vulnerabilities_option,
)


@click.command()
@vulnerabilities_option
@release_option
@click.option(
    "--image",
    "images",
    multiple=True,
    metavar="NAME",
    help="Only this image; repeatable.",
)
@database_option
@max_age_option
@click.option(
    "--fail-on",
    "severity",
    type=click.Choice(SEVERITIES),
    help="Exit with 1 only if a vulnerability has this severity or a higher one.",
)
@click.option(
    "--format",
    "output_format",
    type=click.Choice(["text", "markdown", "json", "html"]),
    default="text",
    show_default=True,
    help="The output format.",
)
@click.option("--all", "show_all", is_flag=True, help="Do not shorten long lists.")
@guarded
def audit(
    vulnerabilities: bool,
    release: str | None,
    images: tuple[str, ...],
    database: Path | None,
    max_age: int,
    severity: str | None,
    output_format: str,
    show_all: bool,
) -> None:
    """Report the vulnerabilities of a release.

    The packages are those of the lock set, so it needs neither the images nor a network. Exits
    with 1 if there are vulnerabilities, or if it cannot decide whether there are.
    """
    if not vulnerabilities:
        raise click.UsageError("orbiter audit needs --vulnerabilities")
    audit_release(
        release,
        images,
        Source(database, max_age),
        output_format=output_format,
        show_all=show_all,
        severity=severity,
    )
