"""Check whether a lock set still fits images.toml, as ``orbiter lock --check`` does, offline."""

from pathlib import Path

from orbiter.config.changes import changed_keys
from orbiter.config.image_set import ImageSet
from orbiter.lockset import folder, record
from orbiter.lockset.inputs import unlocked_parts
from orbiter.lockset.model import MANIFEST, LockSet
from resolvers.errors import ExpectedError


def read_fresh(image_set: ImageSet, locks: Path = folder.LOCKS) -> LockSet:
    """Read and check the lock set of images.toml.

    Raises ExpectedError with all reasons why it is stale, and LockSetError if it is broken.
    """
    path = folder.release_folder(image_set.version, locks)
    if not path.exists():
        raise _stale(image_set, (missing_lock_set(image_set, path),))
    lock_set = folder.read(path)
    if reasons := differences(image_set, path, lock_set):
        raise _stale(image_set, reasons)
    return lock_set


def _stale(image_set: ImageSet, reasons: tuple[str, ...]) -> ExpectedError:
    lines = "".join(f"\n  {reason}" for reason in reasons)
    return ExpectedError(
        f"the lock set of release {image_set.version} is stale:{lines}", "run orbiter lock"
    )


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
