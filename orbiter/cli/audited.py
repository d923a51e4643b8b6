"""The audit of built images before they are pushed or recorded."""

import sys
from typing import TYPE_CHECKING

import click

from orbiter.cli.audit_image import print_result
from orbiter.cli.errors import FINDINGS
from orbiter.cli.options import IMAGES

if TYPE_CHECKING:
    from orbiter.release.audited import AuditCheck

audited_option = click.option(
    "--audited",
    is_flag=True,
    help="Audit the images first; with findings, report them and do nothing else.",
)


def is_audit_required() -> bool:
    """Return whether images.toml has `require-audit = true`."""
    from orbiter.config.read import requires_audit

    return requires_audit(IMAGES)


def exit_if_rejected(check: "AuditCheck", consequence: str) -> None:
    """Print the audits of rejected images and exit with 1, if there are any."""
    for result in check.rejected:
        print_result(result)
    if check.rejected:
        names = ", ".join(f"{result.stage} for {result.platform}" for result in check.rejected)
        click.echo(f"\nthe audit of {names} has findings: {consequence}", err=True)
        sys.exit(FINDINGS)
