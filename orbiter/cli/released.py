"""The record of a release that a command works on."""

from typing import TYPE_CHECKING

import click

from orbiter.cli.completion import complete_release
from orbiter.cli.options import read_lock_set
from resolvers.errors import ExpectedError

if TYPE_CHECKING:
    from orbiter.lockset.model import LockSet
    from orbiter.lockset.record import Digests

recorded_release_option = click.option(
    "--release",
    metavar="VERSION",
    shell_complete=complete_release,
    help="A recorded release (default: the newest one).",
)


def read_released(release: str | None) -> "tuple[LockSet, Digests]":
    """Read the lock set and the digests of a recorded release (default: the newest one)."""
    from orbiter.lockset import folder, record

    lock_set = read_lock_set(release or _newest())
    recorded = record.read(folder.release_folder(lock_set.manifest.release), lock_set)
    return lock_set, recorded.digests


def _newest() -> str:
    """Return the newest release whose digests are recorded."""
    from orbiter.lockset import folder

    recorded = [
        name for name in folder.releases() if folder.is_released(folder.release_folder(name))
    ]
    if not recorded:
        raise ExpectedError(
            "no release is recorded, so the digests of its images are not known",
            "build the images and record their digests: orbiter release",
        )
    return recorded[-1]
