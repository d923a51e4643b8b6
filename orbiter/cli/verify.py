"""Report of ``orbiter build --verify`` and ``orbiter release --twice``."""

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from orbiter.cli.errors import SOMETHING_TO_SEE

if TYPE_CHECKING:
    from orbiter.docker.bake import BuildOptions
    from orbiter.lockset.model import LockSet
    from orbiter.release.verify import Finding


def build_verified(locked: "LockSet", options: "BuildOptions", *, quiet: bool) -> None:
    """Build, and compare with the release before anything is loaded, pushed or kept; exits with 1 if it differs."""
    from orbiter.build import build
    from orbiter.cli.board import Board
    from orbiter.lockset import folder
    from orbiter.lockset import record as lockset_record
    from orbiter.release.release import Verification

    record = lockset_record.read(folder.folder(locked.manifest.release), locked)
    board = Board(quiet=quiet)
    check = Verification(locked, record, board, builder=options.builder, push=options.push)
    try:
        with board:
            build.build(locked, options, board, check)
    finally:
        _tell(check.findings, locked, "as released")  # also where loading or pushing fails after it
    if not check.allowed:
        why = (
            "pushed, these digests would not be those of the release"
            if check.equal
            else "this is not the release"
        )
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
