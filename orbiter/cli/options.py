"""Options that several commands share, and the lock set that a command works on."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from orbiter.lockset.model import LockSet

IMAGES = Path("images.toml")
MANAGERS = ("apk", "apt", "conda", "npm", "pip")

release_option = click.option(
    "--release",
    metavar="VERSION",
    help="A locked release (default: the version in images.toml).",
)
builder_option = click.option("--builder", metavar="NAME", help="Use this buildx builder.")
quiet_option = click.option("-q", "--quiet", is_flag=True, help="Do not show progress.")
platform_option = click.option(
    "--platform",
    "platforms",
    multiple=True,
    metavar="OS/ARCH",
    help="Only this platform; repeatable.",
)
stages_option = click.option(
    "--image",
    "stages",
    multiple=True,
    metavar="NAME",
    help="Only this image or stage; repeatable.",
)
managers_option = click.option(
    "--manager",
    "managers",
    multiple=True,
    type=click.Choice(MANAGERS),
    help="Only packages of this manager; repeatable.",
)


def read_lock_set(release: str | None) -> "LockSet":
    """Read and check the lock set of a release (default: the version in images.toml)."""
    from orbiter.lockset import exchange, folder

    exchange.recover(folder.LOCKS)
    if release is None:
        from orbiter.config.read import read_image_set

        release = read_image_set(IMAGES).version
    return folder.read(folder.release_folder(release))
