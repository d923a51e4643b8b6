"""The image set of the current folder, from images.toml or else from the newest lock set."""

from pathlib import Path

from orbiter.config.image_set import ImageSet
from orbiter.config.read import read_image_set
from orbiter.lockset import folder
from orbiter.lockset.model import MANIFEST, LockSet

IMAGES = Path("images.toml")


def current_image_set() -> ImageSet | None:
    """Return the image set of the current folder; None if it is not a project.

    Raises ExpectedError for mistakes in images.toml, and for a broken lock set.
    """
    if IMAGES.exists():
        return read_image_set(IMAGES)
    lock_set = newest_lock_set()
    return lock_set.image_set if lock_set else None


def newest_lock_set(release: str = "") -> LockSet | None:
    """Return the lock set of a release, else of the newest one; None if there are none."""
    if release and (folder.release_folder(release) / MANIFEST).exists():
        return folder.read(folder.release_folder(release))
    releases = folder.releases()
    return folder.read(folder.release_folder(releases[-1])) if releases else None
