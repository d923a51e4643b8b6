"""The versions that locked packages may move to if a lock allows small steps only. Pure."""

from orbiter.diff.versions import DOTTED_NUMBERS, is_calendar, release_numbers
from orbiter.locking.packages import locked_packages
from orbiter.locking.work import LargestStep
from resolvers.types.packages import LockFiles
from resolvers.types.request import VersionLimits

KEPT_NUMBERS = {"minor": 1, "patch": 2}
"""The number of leading release numbers that a step keeps."""


def version_limits(manager: str, files: LockFiles, largest_step: LargestStep) -> VersionLimits:
    """Return the beginnings of versions that a locked package may move to, by name.

    Versions that begin with a year have no limit for minor steps, because another year is such a
    step. Versions with an epoch have none either, nor do those of conda that are not only numbers,
    such as 1.1.1w.
    """
    if not largest_step:
        return {}
    limits: dict[str, tuple[tuple[int, ...], ...]] = {}
    for package in locked_packages(manager, files):
        epoch, numbers = release_numbers(manager, package.version)
        is_free = largest_step == "minor" and is_calendar(numbers)
        is_regular = manager != "conda" or DOTTED_NUMBERS.fullmatch(package.version)
        if numbers and not epoch and not is_free and is_regular:
            kept = tuple(numbers[: KEPT_NUMBERS[largest_step]])
            limits[package.name] = (*limits.get(package.name, ()), kept)
    return limits
