"""The audit of built images before they are pushed or recorded."""

import sys
from typing import TYPE_CHECKING

import click

from orbiter.cli.audit_image import print_result
from orbiter.cli.errors import FINDINGS
from orbiter.cli.terminal import print_lines

if TYPE_CHECKING:
    from orbiter.documents import Document
    from orbiter.release.audited import AuditCheck

audited_option = click.option(
    "--audited",
    is_flag=True,
    help="Audit the images first; with findings, report them and do nothing else.",
)


def exit_if_rejected(
    check: "AuditCheck", consequence: str, refused: "Document | None" = None
) -> None:
    """Print the audits of rejected images and exit with 1, if there are any.

    With the document ``refused`` for standard output, the audits go to standard error.
    """
    for result in check.rejected:
        print_result(result, err=refused is not None)
    if check.rejected:
        names = ", ".join(f"{result.stage} for {result.platform}" for result in check.rejected)
        print_lines(f"\nthe audit of {names} has findings: {consequence}", err=True)
        print_document(refused)
        sys.exit(FINDINGS)


def print_document(document: "Document | None") -> None:
    """Print the document of a command that prints JSON, if there is one."""
    from orbiter.cli.results import print_json

    if document:
        print_json(document)
