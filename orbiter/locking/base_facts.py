"""The Python and C library of a builder's base, which decide which files fit."""

import msgspec

from orbiter.config.builders import system_manager
from orbiter.config.image_set import ImageSet, Stage
from orbiter.config.stage_graph import ancestors, builder_stages, stages_with
from orbiter.lockset.model import BuilderFacts
from resolvers.types.options import Shell
from resolvers.types.packages import LockFiles

ASSUMED_GLIBC = "2.41"
"""glibc to resolve for if the base image is unknown; a full lock resolves again if it differs."""
ASSUMED_MUSL = "1.2.5"
"""The same for musl; the version in Alpine 3.20 and later."""


def base_facts(
    image_set: ImageSet,
    builder: str,
    *,
    system_files: LockFiles,
    known: BuilderFacts | None,
    shell: Shell | None,
) -> BuilderFacts:
    """Return the Python and the C library of each platform.

    They come from the lock files of apk or apt (``system_files``), otherwise from ``known``,
    otherwise from the base image, through ``shell``.
    """
    platforms = image_set.platforms
    if known and not system_files:
        facts = BuilderFacts(python=known.python, glibc=known.glibc, musl=known.musl)
    elif system_manager(builder) == "apk":
        stages = _stages_below_pip(image_set, builder)
        facts = _alpine_facts(platforms, system_files, stages, shell)
    else:
        stages = _stages_below_pip(image_set, builder)
        facts = _debian_facts(platforms, system_files, stages, shell)
    return _with_assumed_libc(facts, builder, platforms)


def system_stages(image_set: ImageSet, stage: Stage) -> tuple[str, ...]:
    """Return the stage and the stages whose system packages it inherits."""
    return (stage.name, *ancestors(image_set, stage, system_manager(stage.builder)))


def _stages_below_pip(image_set: ImageSet, builder: str) -> tuple[str, ...]:
    """Return the stages whose system packages are present with pip's packages.

    Without pip packages, these are all stages of the builder.
    """
    stages = stages_with(image_set, builder, "pip") or builder_stages(image_set, builder)
    return tuple({name for stage in stages for name in system_stages(image_set, stage)})


def _debian_facts(
    platforms: tuple[str, ...], files: LockFiles, stages: tuple[str, ...], shell: Shell | None
) -> BuilderFacts:
    from resolvers.apt import manager as apt

    if files:
        python = apt.python_version(files, stages)
        return BuilderFacts(python=python, glibc=apt.glibc_versions(files))
    if not shell:
        return BuilderFacts()
    bases = {platform: apt.inspect_base(shell, platform) for platform in platforms}
    python = next(iter(bases.values())).python
    return BuilderFacts(python=python, glibc={name: base.glibc for name, base in bases.items()})


def _alpine_facts(
    platforms: tuple[str, ...], files: LockFiles, stages: tuple[str, ...], shell: Shell | None
) -> BuilderFacts:
    from resolvers.apk import manager as apk

    if files:
        python = apk.python_version(files, stages)
        return BuilderFacts(python=python, musl=apk.musl_versions(files))
    if not shell:
        return BuilderFacts()
    bases = {platform: apk.inspect_base(shell, platform) for platform in platforms}
    python = next(iter(bases.values())).python
    return BuilderFacts(python=python, musl={name: base.musl for name, base in bases.items()})


def _with_assumed_libc(
    facts: BuilderFacts, builder: str, platforms: tuple[str, ...]
) -> BuilderFacts:
    """Add an assumed C library for each platform without a known one."""
    if system_manager(builder) == "apk":
        musl = dict.fromkeys(platforms, ASSUMED_MUSL) | dict(facts.musl)
        return msgspec.structs.replace(facts, musl=musl)
    glibc = dict.fromkeys(platforms, ASSUMED_GLIBC) | dict(facts.glibc)
    return msgspec.structs.replace(facts, glibc=glibc)
