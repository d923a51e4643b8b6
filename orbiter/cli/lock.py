"""``orbiter lock``: resolve images.toml into a lock set, or check that the lock set is fresh."""

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NoReturn

import click

from orbiter.cli.errors import FINDINGS, guarded, print_hint, warn
from orbiter.cli.locked import (
    moves_between,
    print_json,
    print_result,
    print_warnings,
    refuse_warnings,
    write_lock_set,
)
from orbiter.cli.options import IMAGES, format_option, quiet_option
from orbiter.cli.terminal import print_labelled, print_lines

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from orbiter.config.image_set import ImageSet
    from orbiter.locking.work import LockOptions
    from orbiter.lockset.git_files import IgnoredFile
    from orbiter.lockset.model import LockSet


@click.command()
@click.option(
    "--check",
    is_flag=True,
    help="Only report whether the lock set is fresh: exits with 0 if fresh, 1 if stale, "
    "2 if broken.",
)
@click.option("--dry-run", is_flag=True, help="Resolve and report changes; write nothing.")
@click.option(
    "--upgrade",
    is_flag=True,
    help="Upgrade all packages, base images and installers to the newest allowed versions.",
)
@click.option(
    "--upgrade-package",
    "packages",
    multiple=True,
    metavar="NAME[==VERSION]",
    help="Upgrade only this package; repeatable.",
)
@click.option(
    "--as-of",
    metavar="DATE",
    help="Use only packages published before DATE, such as 2026-08-01 or 2026-08-01T12:00:00Z "
    "(conda, pip and npm only).",
)
@click.option(
    "--only",
    metavar="MANAGERS",
    help="Lock only these managers, separated by commas: apk, apt, conda, pip, npm.",
)
@click.option(
    "--merge",
    is_flag=True,
    help="Start from the pins of both sides of an unfinished git merge; images.toml must be "
    "merged already.",
)
@click.option(
    "--strict", is_flag=True, help="Treat warnings as errors: write nothing, exit with 2."
)
@format_option
@quiet_option
@guarded
def lock(
    check: bool,
    dry_run: bool,
    upgrade: bool,
    packages: tuple[str, ...],
    as_of: str | None,
    only: str,
    merge: bool,
    strict: bool,
    output_format: str,
    quiet: bool,
) -> None:
    """Resolve images.toml into locks/<release>/.

    Starts from the pins of the previous lock set and changes as few packages as possible. A
    lock set that `orbiter release` has recorded is never changed.
    """
    from orbiter.config.read import read_image_set

    if check and (dry_run or upgrade or packages or as_of or only or merge):
        raise click.UsageError("--check can only be combined with --strict and --format")
    image_set = read_image_set(IMAGES)
    if check:
        _check(image_set, output_format, strict=strict)
        return

    from orbiter.locking.options import lock_options

    now = datetime.now(UTC)
    options = lock_options(
        image_set, upgrade=upgrade, packages=packages, as_of=as_of, only=only, now=now
    )
    is_text = output_format == "text"
    _lock(
        image_set,
        options,
        dry_run=dry_run,
        merge=merge,
        strict=strict,
        is_text=is_text,
        quiet=quiet,
    )


def _lock(
    image_set: "ImageSet",
    options: "LockOptions",
    *,
    dry_run: bool,
    merge: bool,
    strict: bool,
    is_text: bool,
    quiet: bool,
) -> None:
    from orbiter.cli.board import Board
    from orbiter.locking.environment import LocalEnvironment
    from orbiter.locking.lock import lock as lock_image_set
    from orbiter.locking.merge import merged_lock_set
    from orbiter.lockset import exchange, folder

    if not dry_run:
        exchange.recover(folder.LOCKS)
    path = folder.release_folder(image_set.version)
    if not dry_run and not merge:
        folder.refuse_released(path)
    start = merged_lock_set if merge else folder.previous
    previous = start(image_set.version)
    with Board(quiet=quiet) as board:
        locked = lock_image_set(image_set, previous, options, LocalEnvironment(), board)
    moves = moves_between(previous, locked, options.upgrade)
    if is_text:
        print_result(previous, locked, moves)
    if strict:
        refuse_warnings(locked)
    if not dry_run:
        write_lock_set(locked, announce=is_text)
    elif is_text:
        click.echo(f"dry run: {path} was not written")
    if not is_text:
        print_json(locked, moves, written=not dry_run)
    print_warnings(locked)


def _check(image_set: "ImageSet", output_format: str, *, strict: bool) -> None:
    from orbiter.lockfiles.lock_set import check_entries
    from orbiter.lockset import folder, git_files
    from orbiter.lockset.check import differences, missing_lock_set
    from orbiter.lockset.own_files import own_sources

    path = folder.release_folder(image_set.version)
    reasons: tuple[str, ...] = (missing_lock_set(image_set, path),)
    if path.exists():
        locked = folder.read(path)
        reasons = differences(image_set, path, locked)
        check_entries(path, locked)
        reasons = reasons or _build_folder_reasons(path, locked, strict=strict)
    ignored = git_files.ignored_file(path)
    if output_format == "json":
        _print_check(image_set.version, reasons, ignored)
    if reasons or ignored:
        _fail_check(path, reasons, ignored, is_text=output_format == "text")
    _mention_untracked_files(path, own_sources(image_set))
    if output_format == "text":
        click.echo(f"locks/{image_set.version} is fresh")


def _print_check(release: str, reasons: tuple[str, ...], ignored: "IgnoredFile | None") -> None:
    from orbiter.cli.results import LockCheckResult, print_json

    fresh = not reasons and ignored is None
    found = (*reasons, *([str(ignored)] if ignored else []))
    print_json(LockCheckResult(release=release, fresh=fresh, reasons=found))


def _fail_check(
    path: "Path", reasons: tuple[str, ...], ignored: "IgnoredFile | None", *, is_text: bool
) -> NoReturn:
    """Print why a lock set is stale, and the first of its files that git ignores; exit with 1.

    Unless the output is text, prints only the remedies.
    """
    from orbiter.lockset import folder, git_files

    hints = []
    for reason in reasons if is_text else ():
        print_lines(f"stale: {reason}")
    if reasons:
        hints.append(folder.NEXT_RELEASE if folder.is_released(path) else "run orbiter lock")
    if ignored and is_text:
        print_lines(str(ignored))
    if ignored:
        hints.append(git_files.remedy(path))
    print_hint("\n  ".join(hints))
    sys.exit(FINDINGS)


def _build_folder_reasons(path: "Path", locked: "LockSet", *, strict: bool) -> tuple[str, ...]:
    """Return why the build folder is stale.

    Raises LockSetError if the lock files give another one, and with ``strict`` if that is unknown.
    """
    from orbiter.lockset import folder
    from orbiter.lockset.model import LockSetError
    from orbiter.render.derived import REVIEW, derive

    derived = derive(locked)
    if derived.warning and strict:
        raise LockSetError(f"--strict: {path}: {derived.warning}", REVIEW)
    if derived.warning:
        warn(f"{path}: {derived.warning}", REVIEW)
    if derived.same_templates or folder.is_released(path):
        return ()
    return (f"{path}/build: another version of Orbiter rendered it",)


def _mention_untracked_files(path: "Path", sources: "Sequence[str]") -> None:
    from orbiter.lockset import git_files

    own = git_files.untracked_sources(path, sources)
    untracked = (*git_files.untracked_files(path), *own)
    if untracked:
        more = f" (and {len(untracked) - 1} more)" if len(untracked) > 1 else ""
        command = git_files.add_command(path, own)
        print_labelled("hint", f"{untracked[0]} is not in git yet{more}: {command}", colour="cyan")
