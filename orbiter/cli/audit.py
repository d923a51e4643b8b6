"""``orbiter audit``: check an image, or report the vulnerabilities of a release."""

from pathlib import Path

import click

from orbiter.cli.audit_image import print_audit
from orbiter.cli.completion import complete_image, complete_platform, complete_release
from orbiter.cli.directory import TargetName
from orbiter.cli.errors import guarded
from orbiter.cli.options import quiet_option
from orbiter.cli.usage import refuse_without
from orbiter.cli.vulnerabilities import (
    SEVERITIES,
    Source,
    audit_release,
    database_option,
    max_age_option,
    vulnerabilities_option,
)
from resolvers.errors import ExpectedError


@click.command()
@click.argument("target", type=TargetName(existing=True), required=False)
@vulnerabilities_option
@click.option(
    "--release",
    metavar="VERSION",
    shell_complete=complete_release,
    help="A locked release (default: the one that the image names, or the one in images.toml).",
)
@click.option(
    "--image",
    "images",
    shell_complete=complete_image,
    multiple=True,
    metavar="NAME",
    help="Only this image; the image of the release that TARGET must be; repeatable.",
)
@click.option(
    "--platform",
    metavar="OS/ARCH",
    shell_complete=complete_platform,
    default="",
    help="The platform of TARGET.",
)
@click.option("--files", is_flag=True, help="Read all files of TARGET, even if it was released.")
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
    help="The output format; markdown is for vulnerabilities only.",
)
@click.option("--all", "show_all", is_flag=True, help="Do not shorten long lists.")
@quiet_option
@guarded
def audit(
    target: str | None,
    vulnerabilities: bool,
    release: str | None,
    images: tuple[str, ...],
    platform: str,
    files: bool,
    database: Path | None,
    max_age: int,
    severity: str | None,
    output_format: str,
    show_all: bool,
    quiet: bool,
) -> None:
    """Check an image, or report vulnerabilities of a release.

    TARGET is an image of the engine, a folder with an OCI layout, a tar file of one or of docker
    save, or oci://registry/name:tag. The image never runs. Each file must equal the one in its
    locked package, or follow from a known rule. Without a lock set, its packages are listed.

    --vulnerabilities reads the lock set alone. Exits with 1 if there are findings, or if something
    cannot be decided.
    """
    if vulnerabilities == bool(target):
        raise click.UsageError("orbiter audit needs either TARGET or --vulnerabilities")
    if vulnerabilities:
        refuse_without("TARGET", "platform", "files")
    else:
        refuse_without("--vulnerabilities", "database", "max_age", "severity")
    if target:
        if output_format == "markdown":
            raise ExpectedError("an audit has no Markdown", "use text, json or html")
        if len(images) > 1:
            raise ExpectedError("TARGET is one image, but --image names several", "name one")
        print_audit(
            target,
            release,
            "".join(images),
            platform=platform,
            files=files,
            output_format=output_format,
            show_all=show_all,
            quiet=quiet,
        )
        return
    audit_release(
        release,
        images,
        Source(database, max_age),
        output_format=output_format,
        show_all=show_all,
        severity=severity,
    )
