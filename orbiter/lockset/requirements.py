"""The requirements between locked packages, as lock files record them."""

from orbiter.lockset.inputs import locked_files
from orbiter.lockset.model import BuilderFacts, LockSet
from orbiter.lockset.targets import target_for
from resolvers.types.packages import LockedRequirements


def locked_requirements(
    lock_set: LockSet, builder: str, manager: str, platform: str
) -> LockedRequirements:
    """Return the requirements with their constraints; none for apk and apt, which lock names only.

    Of the locks of pip, only poetry.lock has constraints.
    """
    files = locked_files(lock_set, builder, manager)
    if not files:
        return {}
    target = target_for(lock_set.manifest.builders.get(builder, BuilderFacts()), platform)
    if manager == "conda":
        from resolvers.conda import locked_requirements as conda

        return conda.locked_requirements(files, target)
    if manager == "npm":
        from resolvers.npm import locked_requirements as npm

        return npm.locked_requirements(files)
    if manager == "pip":
        from resolvers.pip import locked_requirements as pip

        return pip.locked_requirements(files, target)
    return {}
