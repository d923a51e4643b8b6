"""The report and the writing of a new lock set, for all commands that lock."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from orbiter.cli.errors import warn
from orbiter.cli.terminal import print_lines

if TYPE_CHECKING:
    from orbiter.diff.moves import Moves
    from orbiter.edit.changes import RequirementChange
    from orbiter.lockset.model import LockSet
    from resolvers.types.request import Upgrade


def moves_between(previous: "LockSet | None", locked: "LockSet", upgrade: "Upgrade") -> "Moves":
    """Return the changes; those of an upgrade of everything have no reasons."""
    from orbiter.diff.moves import explain, without_reasons

    if upgrade.everything:
        return without_reasons(previous, locked)
    return explain(previous, locked, set(upgrade.packages))


def print_result(previous: "LockSet | None", locked: "LockSet", moves: "Moves") -> None:
    """Print what a new lock set changes, and where its builders differ."""
    from orbiter.locking.assemble import only_build_folder_differs

    _print_changes(previous, locked, moves)
    if previous and only_build_folder_differs(previous, locked):
        print_lines("build/ was rendered again, because the lock files give another one")
    if previous is None or previous.root != locked.root:
        _print_builder_differences(locked)


def print_json(
    locked: "LockSet", moves: "Moves", edits: "Iterable[RequirementChange]" = (), *, written: bool
) -> None:
    """Print what a command changed in images.toml and in the lock set, as JSON."""
    from orbiter.edit.report import render

    release = locked.manifest.release
    click.echo(render(release, edits, locked, moves, written=written), nl=False)


def write_lock_set(locked: "LockSet", *, announce: bool = True) -> None:
    """Write a lock set, and print where it is unless another output says so."""
    from orbiter.lockset import folder

    was_written = folder.write(locked, folder.release_folder(locked.manifest.release))
    report_written(locked, was_written=was_written, announce=announce)


def report_written(locked: "LockSet", *, was_written: bool, announce: bool) -> None:
    """Print where a lock set is, and prepare its folder for git."""
    from orbiter.lockset import folder, git_files

    path = folder.release_folder(locked.manifest.release)
    if announce:
        state = f"wrote {path}" if was_written else f"{path} is up to date"
        print_lines(f"{state} ({locked.root})")
    git_files.write_git_files(path.parent)
    if ignored := git_files.ignored_file(path):
        warn(str(ignored), git_files.remedy(path))


def _print_changes(previous: "LockSet | None", locked: "LockSet", moves: "Moves") -> None:
    from orbiter.report.lock_sets import format_moves

    start = f"from {previous.manifest.release}" if previous else "first lock"
    print_lines(
        f"release {locked.manifest.release} ({start}, packages as of {locked.manifest.cutoff})"
    )
    print_lines(format_moves(moves))


def _print_builder_differences(locked: "LockSet") -> None:
    from orbiter.diff.builders import builder_differences
    from orbiter.report.builders import format_differences

    found = builder_differences(locked)
    if found:
        print_lines(format_differences(found))


def refuse_warnings(locked: "LockSet") -> None:
    """Raise ExpectedError after printing the warnings, if there are any."""
    from resolvers.errors import ExpectedError

    count = len(locked.manifest.warnings)
    if count:
        print_warnings(locked)
        warnings = "1 warning" if count == 1 else f"{count} warnings"
        raise ExpectedError(
            f"--strict: {warnings}, so nothing was written",
            "correct images.toml, or omit --strict to accept them",
        )


def print_warnings(locked: "LockSet") -> None:
    """Print the warnings that a lock set records."""
    for warning in locked.manifest.warnings:
        warn(str(warning), warning.hint)
