"""orbiter lock --check: is the lock set of this release what images.toml asks for? Reads only, offline."""

from pathlib import Path

from orbiter import config, digests, lockset
from orbiter.config import ImageSet
from orbiter.inputs import unlocked


def check(image_set: ImageSet, locks: Path = lockset.LOCKS) -> tuple[str, ...]:
    """Why the lock set is stale, a line a reason that names the key or file; nothing when it is fresh.

    Every byte of the lock set is checked on the way. Raises LockSetError when it is broken.
    """
    place = lockset.folder(image_set.version, locks)
    if not place.exists():
        return (f"images.toml: version: release {image_set.version} has no lock set {place}",)
    locked = lockset.read(place)
    if lockset.is_released(place):
        digests.read(place, locked)
    changes = config.changes(config.load(locked.files[lockset.SNAPSHOT]), image_set)
    return tuple(f"images.toml: {change}" for change in changes) or tuple(
        f"{place / lockset.MANIFEST}: {part} is not locked"
        for part in unlocked(image_set, locked.manifest.bases, locked.manifest.builders)
    )
