"""Differences of two lock sets as a whole: their images.toml, and the size of their downloads."""

from orbiter.config.changes import changed_keys
from orbiter.diff.types import Fact
from orbiter.lockfiles.types import Lock
from orbiter.lockset.model import LockSet


def image_set_facts(old: LockSet | None, new: LockSet | None) -> list[Fact]:
    """Return the changed keys of images.toml, such as a requirement; none for other locks."""
    if old is None or new is None:
        return []
    return [_fact(line) for line in changed_keys(old.image_set, new.image_set)]


def _fact(line: str) -> Fact:
    """Return the fact in a line such as ``image.debian.base.pip: pandas<3 -> pandas``."""
    path, _, change = line.partition(": ")
    old, arrow, new = change.partition(" -> ")
    value, _, verb = change.rpartition(" ")
    if not arrow and verb == "removed":
        old, new = value or verb, ""
    elif not arrow:
        old, new = "", value if value and verb == "added" else change
    return Fact(kind="images.toml", name=path, old=old, new=new)


def download_size(lock: Lock) -> tuple[int, int]:
    """Return the size of all distinct files of a lock set, and the number of unknown sizes.

    Several images share a file, and it is downloaded once. Both are 0 for other locks.
    """
    if lock.lock_set is None:
        return 0, 0
    sizes: dict[tuple[str, ...], int] = {}
    for packages in lock.packages.values():
        for package in packages:
            for file in package.files:
                sizes[file.hashes] = package.size
    return sum(sizes.values()), sum(size == 0 for size in sizes.values())
