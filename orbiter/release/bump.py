"""orbiter bump: the number of the next release, written into images.toml."""

from pathlib import Path
from typing import Literal

from msgspec.structs import replace

from orbiter import files
from orbiter.config.image_set import ImageSet
from orbiter.diff.compare import diff
from orbiter.diff.suggest import bump_release
from orbiter.diff.types import Suggestion
from orbiter.lockfiles.lock_set import as_lock
from orbiter.locking.lock import lock
from orbiter.locking.work import Environment, LockOptions
from orbiter.lockset import folder, model
from orbiter.tasks import StartTask
from resolvers.errors import ExpectedError

BumpStep = Literal["major", "minor", "patch"]
"""The number of a release that goes up."""


def next_release(release: str, step: BumpStep) -> str:
    """The release after another one; a pre-release of it comes first: patch makes 0.2.0 of 0.2.0-rc1."""
    core, dash, _ = release.partition("-")
    _, minor, patch = core.split(".")
    below = {"major": (minor, patch), "minor": (patch,), "patch": ()}[step]
    return core if dash and set(below) <= {"0"} else bump_release(core, step)


def suggest_release(
    image_set: ImageSet, options: LockOptions, doors: Environment, progress: StartTask
) -> Suggestion:
    """What diff-locks would suggest if the image set were locked now, against its release as it is locked.

    Solves, and writes nothing. Raises ExpectedError where the release is not locked.
    """
    place = folder.release_folder(image_set.version)
    if not (place / model.MANIFEST).exists():
        raise ExpectedError(
            f"release {image_set.version} is not locked, so there is nothing to compare with",
            "lock it first, or say patch, minor or major",
        )
    before = folder.read(place)
    following = replace(image_set, version=next_release(image_set.version, "patch"))
    after = lock(following, before, options, doors, progress)
    return diff(as_lock(before, image_set.version), as_lock(after, "now")).suggestion


def write_version(path: Path, release: str) -> None:
    """Put a release into images.toml; comments and all else stay as they are.

    Raises ExpectedError, and touches nothing, where that release has a lock set.
    """
    import tomlkit

    if (folder.release_folder(release) / model.MANIFEST).exists():
        raise ExpectedError(
            f"release {release} is locked already",
            "name another step, or write the version yourself",
        )
    document = tomlkit.parse(path.read_bytes().decode())
    document["version"] = release
    files.write_text(path, document.as_string())
