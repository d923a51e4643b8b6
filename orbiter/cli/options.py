"""What several commands take, and the lock set that they work on."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from orbiter.lockset.model import LockSet


IMAGES = Path("images.toml")
release_option = click.option(
    "--release", metavar="VERSION", help="A locked release; else that of images.toml."
)
builder_option = click.option("--builder", metavar="NAME", help="Build on this buildx builder.")
quiet_option = click.option("-q", "--quiet", is_flag=True, help="No progress.")
platform_option = click.option(
    "--platform",
    "platforms",
    multiple=True,
    metavar="OS/ARCH",
    help="Only this platform; may be repeated.",
)


def locked(release: str | None) -> "LockSet":
    """The lock set of a release, checked whole; without a release that of images.toml now."""
    from orbiter.lockset import folder

    if release is None:
        from orbiter.config.read import read_image_set

        release = read_image_set(IMAGES).version
    return folder.read(folder.folder(release))


MANAGERS = ("apk", "apt", "conda", "npm", "pip")

managers_option = click.option(
    "--manager",
    "managers",
    multiple=True,
    type=click.Choice(MANAGERS),
    help="Only packages of this manager; may be repeated.",
)
