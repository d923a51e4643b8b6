"""The requirements of the packages in conda-lock.yml. Pure."""

from resolvers.conda.lock_file import parse_lock
from resolvers.conda.requirements import subdir
from resolvers.types.packages import LockedRequirement, LockedRequirements, LockFiles
from resolvers.types.request import Target

VIRTUAL = "__"
"""The beginning of the names of virtual packages, which are properties of the machine."""


def locked_requirements(files: LockFiles, target: Target) -> LockedRequirements:
    """Return the requirements of all packages for the target's platform."""
    return {
        (entry.name, entry.version): tuple(
            LockedRequirement(name, constraint=constraint)
            for name, constraint in sorted(entry.dependencies.items())
            if not name.startswith(VIRTUAL)
        )
        for entry in parse_lock(files).entries_for(subdir(target.platform))
    }
