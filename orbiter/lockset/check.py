"""Check whether a lock set still fits images.toml, as ``orbiter lock --check`` does, offline."""

from pathlib import Path

from orbiter.config.changes import changed_keys
from orbiter.config.image_set import ImageSet
from orbiter.lockset import folder, record
from orbiter.lockset.inputs import unlocked_parts
from orbiter.lockset.model import MANIFEST, LockSet


def stale_reasons(image_set: ImageSet, locks: Path = folder.LOCKS) -> tuple[str, ...]:
    """Return a line for each reason why the lock set is stale; nothing if it is fresh.

    Also checks every byte of the lock set. Raises LockSetError if it is broken.
    """
    path = folder.release_folder(image_set.version, locks)
    if not path.exists():
        return (missing_lock_set(image_set, path),)
    return differences(image_set, path, folder.read(path))


def missing_lock_set(image_set: ImageSet, path: Path) -> str:
    """Return the line for a release without a lock set."""
    return f"images.toml: version: release {image_set.version} has no lock set {path}"


def differences(image_set: ImageSet, path: Path, lock_set: LockSet) -> tuple[str, ...]:
    """Return a line for each reason why the lock set in a folder is stale.

    Raises LockSetError if its record is broken.
    """
    if folder.is_released(path):
        record.read(path, lock_set)
    # A changed key explains more than the managers that are stale because of it.
    changes = changed_keys(lock_set.image_set, image_set)
    if changes:
        return tuple(f"images.toml: {change}" for change in changes)
    manifest = lock_set.manifest
    parts = unlocked_parts(image_set, manifest.bases, manifest.builders)
    return tuple(f"{path / MANIFEST}: {part} is not locked" for part in parts)
