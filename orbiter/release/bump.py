"""``orbiter bump``: the version of the next release, written into images.toml."""

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
    """Return the release that follows another one.

    After a pre-release comes its release: "patch" turns 0.2.0-rc1 into 0.2.0.
    """
    core, dash, _ = release.partition("-")
    _, minor, patch = core.split(".")
    lower_numbers = {"major": (minor, patch), "minor": (patch,), "patch": ()}[step]
    ends_pre_release = bool(dash) and set(lower_numbers) <= {"0"}
    return core if ends_pre_release else bump_release(core, step)


def suggest_release(
    image_set: ImageSet, options: LockOptions, environment: Environment, start_task: StartTask
) -> Suggestion:
    """Return what diff-locks would suggest for the release if it were locked now.

    Resolves everything and writes nothing. Raises ExpectedError if the release is not locked.
    """
    release_folder = folder.release_folder(image_set.version)
    if not (release_folder / model.MANIFEST).exists():
        raise ExpectedError(
            f"release {image_set.version} is not locked, so there is nothing to compare with",
            "lock it first, or choose patch, minor or major",
        )
    current = folder.read(release_folder)
    next_image_set = replace(image_set, version=next_release(image_set.version, "patch"))
    resolved = lock(next_image_set, current, options, environment, start_task)
    return diff(as_lock(current, image_set.version), as_lock(resolved, "now")).suggestion


def write_version(path: Path, release: str) -> None:
    """Write a release into images.toml; comments and everything else stay.

    Raises ExpectedError without a change if the release already has a lock set.
    """
    import tomlkit

    if (folder.release_folder(release) / model.MANIFEST).exists():
        raise ExpectedError(
            f"release {release} is already locked",
            "choose another step, or write the version yourself",
        )
    document = tomlkit.parse(path.read_bytes().decode())
    document["version"] = release
    files.write_text(path, document.as_string())
