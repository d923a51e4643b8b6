"""orbiter lock --check: is the lock set of this release what images.toml asks for? Reads only, offline."""

from pathlib import Path

from orbiter.config import changes as config_changes
from orbiter.config.image_set import ImageSet
from orbiter.lockset import folder, model, record
from orbiter.lockset.inputs import unlocked_parts


def stale_reasons(image_set: ImageSet, locks: Path = folder.LOCKS) -> tuple[str, ...]:
    """Why the lock set is stale, a line a reason that names the key or file; nothing when it is fresh.

    Every byte of the lock set is checked on the way. Raises LockSetError when it is broken.
    """
    place = folder.release_folder(image_set.version, locks)
    if not place.exists():
        return (f"images.toml: version: release {image_set.version} has no lock set {place}",)
    locked = folder.read(place)
    if folder.is_released(place):
        record.read(place, locked)
    changes = config_changes.changed_keys(locked.image_set, image_set)
    return tuple(f"images.toml: {change}" for change in changes) or tuple(
        f"{place / model.MANIFEST}: {part} is not locked"
        for part in unlocked_parts(image_set, locked.manifest.bases, locked.manifest.builders)
    )
