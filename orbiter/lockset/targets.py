"""The platforms, Pythons and C libraries that a lock set is made for."""

from orbiter.config.image_set import ImageSet
from orbiter.lockset.model import BuilderFacts
from resolvers.types import Target


def targets(image_set: ImageSet, facts: BuilderFacts) -> tuple[Target, ...]:
    """What decides which file of a package fits, for each platform."""
    return tuple(target_for(facts, platform) for platform in image_set.platforms)


def target_for(facts: BuilderFacts, platform: str) -> Target:
    """The same for one platform."""
    glibc, musl = (known.get(platform, "") for known in (facts.glibc, facts.musl))
    return Target(platform=platform, python=facts.python, glibc=glibc, musl=musl)
