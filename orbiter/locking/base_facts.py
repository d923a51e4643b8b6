"""What a builder's images have that decides what fits into them: the exact Python, the C library, what conda brings."""

from collections.abc import Mapping

import msgspec

from orbiter.config.builders import system_manager
from orbiter.config.image_set import ImageSet, Stage
from orbiter.config.stage_graph import (
    ENVIRONMENT_MANAGERS,
    ancestors,
    builder_stages,
    groups,
    stages_with_pip,
)
from orbiter.lockset.model import BuilderFacts
from resolvers.types import LockFiles, ProvidedDistribution, Shell, Target

ASSUMED_GLIBC = "2.41"
"""glibc for which a part alone is solved while no base image was looked at; the full lock solves again if need be."""
ASSUMED_MUSL = "1.2.5"
"""The same for builders on Alpine; that of Alpine 3.20 and later."""


def of_base(
    image_set: ImageSet,
    builder: str,
    *,
    locked: LockFiles,
    known: BuilderFacts | None,
    shell: Shell | None,
) -> BuilderFacts:
    """The Python and the C library of each platform that apk's or apt's lock names, else known ones, else the image's.

    ``locked`` are the lock files of the builder's system manager, ``shell`` is one in the base image where it may be
    asked.
    """
    there = _seen_by_pip(image_set, builder)
    if known and not locked:
        found = BuilderFacts(python=known.python, glibc=known.glibc, musl=known.musl)
    elif system_manager(builder) == "apk":
        found = _of_alpine(image_set.platforms, locked, there, shell)
    else:
        found = _of_debian(image_set.platforms, locked, there, shell)
    return _with_libc(found, builder, image_set.platforms)


def _seen_by_pip(image_set: ImageSet, builder: str) -> tuple[str, ...]:
    """The stages whose system packages are there where packages of pip are; all stages where pip has none."""
    stages = stages_with_pip(image_set, builder) or builder_stages(image_set, builder)
    return tuple({name for stage in stages for name in _system_stages(image_set, stage)})


def _system_stages(image_set: ImageSet, stage: Stage) -> tuple[str, ...]:
    """A stage, and those below that it has its system packages of."""
    return (stage.name, *ancestors(image_set, stage, system_manager(stage.builder)))


def _of_debian(
    platforms: tuple[str, ...], locked: LockFiles, there: tuple[str, ...], shell: Shell | None
) -> BuilderFacts:
    from resolvers.apt import manager as apt

    if locked:
        return BuilderFacts(
            python=apt.python_version(locked, there), glibc=apt.glibc_versions(locked)
        )
    found = {platform: apt.inspect_base(shell, platform) for platform in platforms} if shell else {}
    python = next((each.python for each in found.values()), "")
    return BuilderFacts(python=python, glibc={name: each.glibc for name, each in found.items()})


def _of_alpine(
    platforms: tuple[str, ...], locked: LockFiles, there: tuple[str, ...], shell: Shell | None
) -> BuilderFacts:
    from resolvers.apk import manager as apk

    if locked:
        return BuilderFacts(
            python=apk.python_version(locked, there), musl=apk.musl_versions(locked)
        )
    found = {platform: apk.inspect_base(shell, platform) for platform in platforms} if shell else {}
    python = next((each.python for each in found.values()), "")
    return BuilderFacts(python=python, musl={name: each.musl for name, each in found.items()})


def _with_libc(facts: BuilderFacts, builder: str, platforms: tuple[str, ...]) -> BuilderFacts:
    """The facts with a C library for platforms that nothing is known of yet."""
    if system_manager(builder) == "apk":
        return msgspec.structs.replace(
            facts, musl={**dict.fromkeys(platforms, ASSUMED_MUSL), **facts.musl}
        )
    return msgspec.structs.replace(
        facts, glibc={**dict.fromkeys(platforms, ASSUMED_GLIBC), **facts.glibc}
    )


def provided(
    image_set: ImageSet, builder: str, locked: LockFiles, at: tuple[Target, ...]
) -> tuple[ProvidedDistribution, ...]:
    """The Python distributions that conda's packages bring, by group and platform; asks the channels."""
    if not locked:
        return ()
    from resolvers.conda.python_names import distributions

    return tuple(
        ProvidedDistribution(
            group=group.name,
            platform=target.platform,
            name=each.name,
            version=each.version,
            package=each.package,
        )
        for group in groups(image_set, builder, "conda")
        for target in at
        for each in distributions(locked, target, (group.name,))
    )


def below(image_set: ImageSet, builder: str) -> Mapping[str, tuple[str, ...]]:
    """The stages whose environment each stage of a builder finds there, nearest first."""
    return {
        stage.name: ancestors(image_set, stage, ENVIRONMENT_MANAGERS[0])
        for stage in builder_stages(image_set, builder)
    }
