"""The targets that packages are selected for: platform, Python version and C library."""

from orbiter.config.image_set import ImageSet
from orbiter.lockset.model import BuilderFacts
from resolvers.types.request import Target


def targets(image_set: ImageSet, facts: BuilderFacts) -> tuple[Target, ...]:
    """Return a builder's target for each platform."""
    return tuple(target_for(facts, platform) for platform in image_set.platforms)


def target_for(facts: BuilderFacts, platform: str) -> Target:
    """Return a builder's target for one platform."""
    return Target(
        platform=platform,
        python=facts.python,
        glibc=facts.glibc.get(platform, ""),
        musl=facts.musl.get(platform, ""),
    )
