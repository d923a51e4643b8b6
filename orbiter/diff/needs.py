"""The versions that locked packages require of each other, as far as lock files record them. Pure.

conda-lock.yml, package-lock.json and poetry.lock have them. The locks of apk, apt, uv and pip-tools
only have the names.
"""

from collections.abc import Callable, Mapping

from orbiter.lockset.model import LockSet
from orbiter.lockset.requirements import locked_requirements

Needs = Mapping[tuple[str, str, str], str]
"""Manager, package and required package; the value is the required versions, such as ``>=2``."""


def needs(lock_set: LockSet, builder: str) -> Needs:
    """Return the requirements between the packages of a builder."""
    return {
        (manager, name, required.name): versions(required.constraint)
        for manager, versions in VERSIONS.items()
        for platform in lock_set.image_set.platforms
        for (name, _), requirements in locked_requirements(
            lock_set, builder, manager, platform
        ).items()
        for required in requirements
    }


def _pip_versions(constraint: str) -> str:
    """Return the versions of a constraint of poetry.lock, which may have a marker."""
    versions = constraint.partition(";")[0]
    if versions == "*":
        return ""
    return f"=={versions}" if versions[:1].isdigit() else versions


def _npm_versions(constraint: str) -> str:
    return "" if constraint == "*" else f"@{constraint}"


def _conda_versions(constraint: str) -> str:
    """Return the versions of a constraint without its build: ``>=2`` for ``>=2 py312*``."""
    versions = constraint.partition(" ")[0]
    if versions in {"", "*"}:
        return ""
    return versions if versions[0] in "<>=!~" else f"={versions}"


VERSIONS: Mapping[str, Callable[[str], str]] = {
    "conda": _conda_versions,
    "npm": _npm_versions,
    "pip": _pip_versions,
}
"""The notations of constraints by manager; the locks of the others have no constraints."""
