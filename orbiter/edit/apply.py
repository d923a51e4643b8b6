"""Lock an edited images.toml, and write both together."""

import msgspec

from orbiter.config.requirements import locked_name
from orbiter.diff.versions import sort_key
from orbiter.edit.bounds import is_plain
from orbiter.edit.changes import Edited, RequirementChange, with_bounds
from orbiter.edit.images_file import ImagesFile
from orbiter.files import write_bytes
from orbiter.locking.lock import lock
from orbiter.locking.packages import locked_packages
from orbiter.locking.work import Environment, LockOptions
from orbiter.lockset import folder
from orbiter.lockset.inputs import locked_files
from orbiter.lockset.model import LockSet
from orbiter.tasks import StartTask
from resolvers.errors import ExpectedError
from resolvers.types.request import Upgrade


def lock_edited(
    edited: Edited,
    previous: LockSet | None,
    options: LockOptions,
    environment: Environment,
    start_task: StartTask,
) -> tuple[Edited, LockSet]:
    """Return the edit with bounds in new requirements that had none, and its lock set.

    Nothing is written. The bounds are those of the versions that a first solve finds. The second
    one starts from its pins, so it changes none of them.
    """
    locked = lock(edited.image_set, previous, options, environment, start_task)
    bounded = with_bounds(edited, _versions(edited, locked))
    if bounded.text != edited.text:
        again = msgspec.structs.replace(options, upgrade=Upgrade())
        locked = lock(bounded.image_set, locked, again, environment, start_task)
    return bounded, locked


def _versions(edited: Edited, locked: LockSet) -> dict[RequirementChange, str]:
    """Return the locked versions of the packages that were written without one."""
    versions = {}
    for change in edited.changes:
        is_unbound = bool(change.new) and is_plain(change.manager, change.new)
        if is_unbound and (version := _locked_version(change, locked)):
            versions[change] = version
    return versions


def _locked_version(change: RequirementChange, locked: LockSet) -> str:
    """Return the version of a package: of several npm's highest, for others the lowest."""
    name = locked_name(change.manager, change.new)
    files = locked_files(locked, change.builder, change.manager)
    versions = [
        (key, package.version)
        for package in locked_packages(change.manager, files)
        if package.name == name and (key := sort_key(change.manager, package.version))
    ]
    choose = max if change.manager == "npm" else min
    return choose(versions)[1] if versions else ""


def write_edited(edited: Edited, locked: LockSet | None = None) -> bool:
    """Write images.toml, and then the lock set; return whether the lock set changed.

    If the lock set cannot be written, images.toml gets its old bytes again. Raises ExpectedError if
    images.toml has changed since it was read.
    """
    path, old = edited.images_file.path, _bytes_of(edited.images_file)
    if path.read_bytes() != old:
        raise ExpectedError(
            f"{path} changed while its packages were resolved, so nothing was written",
            "run the command again",
        )
    write_bytes(path, edited.content)
    if locked is None:
        return False
    try:
        return folder.write(locked, folder.release_folder(locked.manifest.release))
    except BaseException:
        write_bytes(path, old)
        raise


def _bytes_of(images_file: ImagesFile) -> bytes:
    return images_file.with_text(images_file.text)
