"""The rule that stages with npm packages have Node.js."""

from collections.abc import Callable, Mapping

from orbiter.config.builders import system_manager
from orbiter.config.image_set import ImageSet, Stage
from orbiter.config.requirements import package_name
from orbiter.config.stage_graph import ancestors, stages_with
from resolvers.errors import ExpectedError
from resolvers.managers import MANAGERS
from resolvers.types.packages import LockFiles
from resolvers.types.request import Target

PACKAGES = frozenset({"nodejs", "nodejs-current"})
"""The packages of apk, apt and conda that install Node.js."""


def check_node(
    image_set: ImageSet,
    builder: str,
    files: Mapping[str, LockFiles],
    base_has_node: Callable[[str], bool],
) -> None:
    """Raise ExpectedError if a stage has npm packages, but no Node.js.

    ``files`` are the lock files by manager. ``base_has_node`` says whether the base image has
    Node.js on a platform; it is called only if no package installs Node.js.
    """
    system_name = system_manager(builder)
    for stage in stages_with(image_set, builder, "npm"):
        if _requires_node(image_set, stage, system_name):
            continue
        for platform in image_set.platforms:
            target = Target(platform=platform)
            found = any(
                _locks_node(image_set, stage, manager, files.get(manager, {}), target)
                for manager in (system_name, "conda")
            )
            if not found and not base_has_node(platform):
                raise ExpectedError(
                    f"images.toml: {stage.name} has npm packages, but no Node.js",
                    f'add "nodejs" to the {system_name} list of {stage.name}, '
                    "or of a stage that it inherits from",
                )


def _lineage(image_set: ImageSet, stage: Stage, manager: str) -> tuple[str, ...]:
    return (stage.name, *ancestors(image_set, stage, manager))


def _requires_node(image_set: ImageSet, stage: Stage, manager: str) -> bool:
    """Return whether Node.js is a requirement; a base image that meets it leaves no lock entry."""
    names = _lineage(image_set, stage, manager)
    for other in image_set.stages:
        for requirement in other.requirements.get(manager, ()):
            if other.name in names and package_name(manager, requirement) in PACKAGES:
                return True
    return False


def _locks_node(
    image_set: ImageSet, stage: Stage, manager: str, files: LockFiles, target: Target
) -> bool:
    if not files:
        return False
    pins = MANAGERS[manager].select(files, target, _lineage(image_set, stage, manager))
    return not PACKAGES.isdisjoint(pin.name for pin in pins)
