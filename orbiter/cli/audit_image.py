"""The part of ``orbiter audit`` that checks an image."""

import os
import sys
from typing import TYPE_CHECKING

import click

from orbiter.cli.errors import FINDINGS
from orbiter.cli.options import read_lock_set

if TYPE_CHECKING:
    from orbiter.audit.result import Audit

COLOURS = {"changed": "red", "missing": "red", "unknown": "red", "undecided": "yellow"}


def print_audit(
    target: str,
    release: str | None,
    image: str,
    *,
    platform: str,
    files: bool,
    output_format: str,
    show_all: bool,
    quiet: bool,
) -> None:
    """Audit an image and print the result; exit with 1 if there are findings."""
    from orbiter.audit.audit import audit
    from orbiter.cli.board import Board
    from orbiter.images.audits import AuditedStage, record_audit

    lock_set = read_lock_set(release) if release else None
    with Board(quiet=quiet) as board:
        report = board("audit")
        result = audit(
            target, report, lock_set=lock_set, stage=image, platform=platform, files=files
        )
        report("")
    if result.root:
        stage = AuditedStage(root=result.root, name=result.stage)
        record_audit((result.digest, result.config_digest), stage, len(result.findings))
    print_result(result, output_format, show_all=show_all)
    if result.findings:
        sys.exit(FINDINGS)


def print_result(
    result: "Audit", output_format: str = "text", *, show_all: bool = False, err: bool = False
) -> None:
    """Print the result of an audit, to standard error with ``err``."""
    click.echo(_rendered(result, output_format, show_all=show_all), nl=False, err=err)


def _rendered(result: "Audit", output_format: str, *, show_all: bool) -> str:
    if output_format == "json":
        from orbiter.report.audit import json

        return json.render(result)
    if output_format == "html":
        from orbiter.report.audit import html

        return html.render(result)
    from orbiter.report.audit import text

    return text.render(result, style=_style, everything=show_all)


def _style(word: str, verdict: str) -> str:
    has_colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    return click.style(word, fg=COLOURS[verdict], bold=True) if has_colour else word
