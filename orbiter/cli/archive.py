"""``orbiter archive``: keep every file of a release."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from orbiter.cli.directory import TargetName
from orbiter.cli.errors import guarded
from orbiter.cli.options import (
    format_option,
    platform_option,
    quiet_option,
    read_derived_lock_set,
    release_option,
)
from orbiter.cli.terminal import print_lines

if TYPE_CHECKING:
    from orbiter.archive.keep import ArchivedRelease
    from orbiter.archive.storage import ArchivedFile
    from orbiter.cli.results import ArchiveResult


@click.command("archive")
@click.argument("target", type=TargetName())
@release_option
@platform_option
@format_option
@quiet_option
@guarded
def archive_release(
    target: str, release: str | None, platforms: tuple[str, ...], output_format: str, quiet: bool
) -> None:
    """Copy every file of a release to TARGET.

    TARGET is a folder, a *.tar file, or oci://registry/repository[:tag]; the tag defaults to the
    release. All three hold the same OCI artifact, with the same digest. One target can hold
    several releases. `orbiter fetch --from TARGET` reads the files back.
    """
    from orbiter.archive.keep import archive_release
    from orbiter.cli.board import Board

    locked = read_derived_lock_set(release)
    with Board(quiet=quiet) as board:
        archived = archive_release(locked, platforms, target, board)
    if output_format == "json":
        from orbiter.cli.results import print_json

        print_json(_document(archived))
    else:
        print_lines(str(archived))


def _document(archived: "ArchivedRelease") -> "ArchiveResult":
    from orbiter.cli.results import ArchiveResult

    added, present = archived.result.added, archived.result.present
    return ArchiveResult(
        release=archived.release,
        target=archived.target,
        digest=archived.digest,
        added=len(added),
        added_size=_size(added),
        present=len(present),
        present_size=_size(present),
    )


def _size(files: "Sequence[ArchivedFile]") -> int:
    return sum(file.size for file in files)
