"""Keys of images: hashes of everything that determines them, known before the build. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

from orbiter.assembly.compression import describe
from orbiter.assembly.documents import encode
from orbiter.config.image_set import ImageSet, Stage
from orbiter.config.layer_keys import Compression
from orbiter.lockset.model import ASSEMBLY, LockSet
from orbiter.lockset.own_files import build_contents
from orbiter.oci.registry import sha256
from orbiter.render.derived import Derived

ImageKey = tuple[str, str]
"""A stage and a platform."""


def image_keys(
    lock_set: LockSet,
    derived: Derived,
    definition: Mapping[str, Any],
    artifacts: Mapping[ImageKey, Iterable[Any]],
    compression: Compression,
) -> dict[ImageKey, str]:
    """Return the key of each stage and platform, as 64 hex digits.

    ``definition`` is that of the bake file, ``artifacts`` are the files of each stage. Equal keys
    mean the same commands on the same files, in every lock set.
    """
    own_files = [path for path, _ in build_contents(lock_set)]
    keys: dict[ImageKey, str] = {}
    for platform in lock_set.image_set.platforms:
        for stage in lock_set.image_set.stages:
            if (stage.name, platform) not in artifacts:
                continue
            folder = f"{stage.name}/"
            inputs = {
                "assembly": ASSEMBLY,
                "compression": describe(compression),
                "created": lock_set.manifest.source_date_epoch,
                "platform": platform,
                "target": definition["target"][stage.name],
                "texts": {
                    path: sha256(text.encode())
                    for path, text in derived.files.items()
                    if path.startswith(folder)
                },
                # Their names are hashes of their content.
                "files": [path for path in own_files if path.startswith(folder)],
                "artifacts": sorted(file.hash for file in artifacts[stage.name, platform]),
                "trim": list(stage.trim or ()),
                "below": [keys[name, platform] for name in _sources(stage)],
            }
            keys[stage.name, platform] = sha256(encode(inputs)).partition(":")[2]
    return keys


def repository_key(image_set: ImageSet) -> str:
    """Return 12 hex digits that stand for the repository of an image set in names of files."""
    return sha256(image_set.repository.encode()).partition(":")[2][:12]


def _sources(stage: Stage) -> list[str]:
    """Return the stages that a stage starts from or copies from."""
    return [name for name in (stage.parent, stage.build) if name]
