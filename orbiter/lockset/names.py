"""Resolve the names of images, stages and platforms on the command line. Pure."""

from collections.abc import Collection, Mapping, Sequence

from orbiter.config.image_set import ImageSet
from orbiter.config.mistakes import closest
from orbiter.config.platforms import PLATFORM_ALIASES
from orbiter.lockset.model import LockSet
from resolvers.errors import ExpectedError


def resolve_stages(lock_set: LockSet, names: Sequence[str]) -> tuple[str, ...]:
    """Return the full name of each image or stage.

    ``base`` is short for ``debian-base`` if only one builder has such an image. Raises
    ExpectedError for an unknown or ambiguous name.
    """
    return tuple(resolve_stage(lock_set, name) for name in names)


def resolve_stage(lock_set: LockSet, name: str) -> str:
    """Return the full name of one image or stage; see ``resolve_stages``."""
    return find_stage(lock_set.image_set, name, f"release {lock_set.manifest.release}")


def find_stage(image_set: ImageSet, name: str, owner: str) -> str:
    """Return the full name of one image or stage of an image set; ``owner`` is for errors."""
    stages = {stage.name: stage for stage in image_set.stages}
    if name in stages:
        return name
    matches = [full for full, stage in stages.items() if full == f"{stage.builder}-{name}"]
    if len(matches) == 1:
        return matches[0]
    problem = f"{owner} has no image or stage '{name}'"
    if matches:
        problem = f"several builders have an image '{name}'"
    short_names = {full.removeprefix(f"{stage.builder}-"): full for full, stage in stages.items()}
    raise ExpectedError(problem, _choice(name, matches or list(stages), short_names))


def check_platforms(lock_set: LockSet, platforms: Sequence[str]) -> None:
    """Raise ExpectedError for a platform that the lock set does not contain."""
    available = lock_set.image_set.platforms
    for platform in platforms:
        if platform not in available:
            raise ExpectedError(
                f"release {lock_set.manifest.release} is not locked for {platform}",
                _platform_hint(platform, available),
            )


def _platform_hint(platform: str, available: Collection[str]) -> str:
    docker_name = PLATFORM_ALIASES.get(platform, "")
    if docker_name in available:
        return f"did you mean {docker_name}?"
    return f"it is locked for {', '.join(available)}"


def _choice(name: str, candidates: list[str], short_names: Mapping[str, str]) -> str:
    """Return a hint that lists the candidates, the most similar one first.

    ``bsae`` is similar to ``debian-base``, because ``short_names`` has ``base`` for it.
    """
    similar = closest(name, candidates) or short_names.get(closest(name, short_names), "")
    others = [candidate for candidate in candidates if candidate != similar]
    choices = f"choose one of {', '.join(others)}"
    if not similar:
        return choices
    question = f"did you mean '{similar}'?"
    return f"{question} Otherwise {choices}" if others else question
