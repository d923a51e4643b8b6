"""``orbiter fetch``: fill the store with the files of a release."""

import sys
from typing import TYPE_CHECKING

import click

from orbiter.cli.directory import TargetName
from orbiter.cli.errors import FINDINGS, guarded
from orbiter.cli.options import (
    format_option,
    platform_option,
    quiet_option,
    read_derived_lock_set,
    release_option,
)
from orbiter.cli.terminal import print_lines

if TYPE_CHECKING:
    from orbiter.cli.results import Upstream
    from orbiter.fetch.progress import FetchTotals
    from orbiter.fetch.upstream import UpstreamReport
    from orbiter.fetch.verify import StoreReport
    from orbiter.lockset.model import LockSet


@click.command()
@release_option
@platform_option
@click.option(
    "--from",
    "origin",
    type=TargetName(),
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
@format_option
@quiet_option
@guarded
def fetch(
    release: str | None,
    platforms: tuple[str, ...],
    origin: str | None,
    check_upstream: bool,
    verify: bool,
    output_format: str,
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
    is_json = output_format == "json"
    checked = _verify(locked, platforms, quiet=quiet) if verify else None
    if checked and not is_json:
        _print_checked(checked)
    with Board(quiet=quiet) as board:
        if origin is None:
            totals = fill(locked, platforms, board, configured_archive())
        else:
            totals = fetch_from_archive(locked, platforms, origin, board)
        availability = check_availability(locked, platforms, board) if check_upstream else None
    if is_json:
        _print_json(locked.manifest.release, totals, checked, availability)
    else:
        print_lines(str(totals))
        _print_availability(availability)
    _exit_with_findings(checked, availability)


def _verify(locked: "LockSet", platforms: tuple[str, ...], *, quiet: bool) -> "StoreReport":
    """Return which files of the store are corrupted."""
    from orbiter.cli.board import Board
    from orbiter.fetch.verify import verify_store

    with Board(quiet=quiet) as board:
        return verify_store(locked, platforms, board)


def _print_checked(report: "StoreReport") -> None:
    for line in report.corrupted:
        print_lines(line)
    print_lines(f"{report.intact} files in the store are intact, {len(report.corrupted)} are not")


def _print_availability(availability: "UpstreamReport | None") -> None:
    """Print which files are available upstream."""
    if availability is None:
        return
    for missing in availability.missing:
        print_lines(f"missing upstream: {missing.path} ({missing.reason})")
    available, missing_count = availability.available, len(availability.missing)
    total = available + missing_count + len(availability.unknown)
    verb = "is" if missing_count == 1 else "are"
    line = f"{available} of {total} locked files are still available upstream"
    line += f", {missing_count} {verb} missing"
    if missing_count:
        line += "; keep them with: orbiter archive TARGET"
    if availability.unchecked:
        line += f"; {availability.unchecked} files of conda and own files were not checked"
    print_lines(line)


def _exit_with_findings(
    checked: "StoreReport | None", availability: "UpstreamReport | None"
) -> None:
    """Exit with 2 if files could not be checked, and with 1 if any are missing or corrupted."""
    from orbiter.store.store import raise_all

    if availability:
        raise_all("could not be checked", list(availability.unknown))
    if (availability and availability.missing) or (checked and checked.corrupted):
        sys.exit(FINDINGS)


def _print_json(
    release: str,
    totals: "FetchTotals",
    checked: "StoreReport | None",
    availability: "UpstreamReport | None",
) -> None:
    from msgspec import convert

    from orbiter.cli.results import FetchResult, StoreCheck, print_json

    store = convert(checked, StoreCheck | None, from_attributes=True)
    print_json(
        FetchResult(
            release=release,
            fetched=totals.files,
            size=totals.bytes,
            present=totals.present,
            store=store,
            upstream=_upstream(availability) if availability else None,
        )
    )


def _upstream(found: "UpstreamReport") -> "Upstream":
    from orbiter.cli.results import MissingUpstream, Upstream

    return Upstream(
        available=found.available,
        missing=tuple(
            MissingUpstream(path=each.path, reason=each.reason) for each in found.missing
        ),
        unchecked=found.unchecked,
        unknown=tuple(error.message for error in found.unknown),
    )
