"""``orbiter fetch``: fill the store with the files of a release."""

import sys
from typing import TYPE_CHECKING

import click

from orbiter.cli.directory import Target
from orbiter.cli.errors import FINDINGS, guarded
from orbiter.cli.options import platform_option, quiet_option, read_derived_lock_set, release_option

if TYPE_CHECKING:
    from orbiter.fetch.upstream import UpstreamReport
    from orbiter.lockset.model import LockSet


@click.command()
@release_option
@platform_option
@click.option(
    "--from",
    "origin",
    type=Target(),
    metavar="TARGET",
    help="Read files only from this archive, which `orbiter archive` wrote.",
)
@click.option(
    "--upstream",
    "check_upstream",
    is_flag=True,
    help="Also list files that are no longer available upstream; exits with 1 if any are missing.",
)
@click.option(
    "--verify",
    is_flag=True,
    help="First hash the release's files in the store and replace corrupted ones; exits with 1 if "
    "there were any.",
)
@quiet_option
@guarded
def fetch(
    release: str | None,
    platforms: tuple[str, ...],
    origin: str | None,
    check_upstream: bool,
    verify: bool,
    quiet: bool,
) -> None:
    """Fetch a release's files into the store.

    Builds then need no network. Each missing file is looked up in the archive that
    ORBITER_ARCHIVE names, if it is set, then in the indexes, registries and mirrors that this
    machine is configured to use.
    """
    from orbiter.archive.configured import configured_archive
    from orbiter.archive.keep import fetch_release as fetch_from_archive
    from orbiter.cli.board import Board
    from orbiter.fetch.fill import fill
    from orbiter.fetch.upstream import check_availability

    if check_upstream and origin is not None:
        raise click.UsageError("--upstream needs the network, which --from does not use")
    locked = read_derived_lock_set(release)
    intact = not verify or _verify(locked, platforms, quiet=quiet)
    with Board(quiet=quiet) as board:
        if origin is None:
            summary = fill(locked, platforms, board, configured_archive())
        else:
            summary = fetch_from_archive(locked, platforms, origin, board)
        availability = check_availability(locked, platforms, board) if check_upstream else None
    click.echo(summary)
    if availability:
        _report(availability)
    if not intact:
        sys.exit(FINDINGS)


def _verify(locked: "LockSet", platforms: tuple[str, ...], *, quiet: bool) -> bool:
    """Print which files of the store are corrupted; return whether all are intact."""
    from orbiter.cli.board import Board
    from orbiter.fetch.verify import verify_store

    with Board(quiet=quiet) as board:
        report = verify_store(locked, platforms, board)
    for line in report.corrupted:
        click.echo(line)
    click.echo(f"{report.intact} files in the store are intact, {len(report.corrupted)} are not")
    return not report.corrupted


def _report(availability: "UpstreamReport") -> None:
    """Print which files are available upstream; exit with 1 if any are missing."""
    from orbiter.store.store import raise_all

    for missing in availability.missing:
        click.echo(f"missing upstream: {missing.path} ({missing.reason})")
    available, missing_count = availability.available, len(availability.missing)
    total = available + missing_count + len(availability.unknown)
    verb = "is" if missing_count == 1 else "are"
    line = f"{available} of {total} locked files are still available upstream"
    line += f", {missing_count} {verb} missing"
    if missing_count:
        line += "; keep them with: orbiter archive TARGET"
    if availability.unchecked:
        line += f"; {availability.unchecked} files of conda and own files were not checked"
    click.echo(line)
    raise_all("could not be checked", list(availability.unknown))
    if missing_count:
        sys.exit(FINDINGS)
