"""What a builder's images have that decides what fits into them: the exact Python, glibc, and what conda brings."""

from collections.abc import Mapping

import msgspec

from orbiter.config import Builder, Conda, ImageSet
from orbiter.groups import ENVIRONMENT, ancestors, groups, stages_of
from orbiter.inputs import FILES
from orbiter.lockset import BuilderFacts, digest
from resolvers.errors import ExpectedError
from resolvers.types import Brought, CondaOptions, LockFiles, Shell, Target

LOCK = FILES["conda"][-1]
ASSUMED_GLIBC = "2.41"
"""glibc for which a part alone is solved while no base image was looked at; the full lock solves again if need be."""


def of_base(image_set: ImageSet, *, locked: LockFiles, known: BuilderFacts | None, shell: Shell | None) -> BuilderFacts:
    """The Python and the glibc of each platform that apt's lock names, else those that are known, else of the image.

    ``locked`` are apt's lock files, ``shell`` is one in the base image where it may be asked.
    """
    from resolvers import apt

    if locked:
        return BuilderFacts(python=apt.python_version(locked), glibc=apt.glibc(locked))
    if known:
        return BuilderFacts(python=known.python, glibc=known.glibc)
    if shell:
        found = {platform: apt.facts(shell, platform) for platform in image_set.platforms}
        python = next(iter(found.values())).python
        return BuilderFacts(python=python, glibc={name: each.glibc for name, each in found.items()})
    return BuilderFacts(glibc=dict.fromkeys(image_set.platforms, ASSUMED_GLIBC))


def with_python(image_set: ImageSet, builder: Builder, facts: BuilderFacts, locked: LockFiles) -> BuilderFacts:
    """The facts with the Python that conda's lock files name, if they do; checked against images.toml.

    Where none is locked it is the first of the series that images.toml asks for.
    """
    by_conda = _by_conda(locked)
    python = by_conda or facts.python
    asked = builder.python
    if not python and not asked and groups(image_set, builder.name, "pip"):
        raise ExpectedError(
            f"images.toml: builder.{builder.name}.python is not set, and what knows the Python is not locked",
            f'write python = "3.13" there, or lock {_knows(image_set, builder)}',
        )
    if not python:
        python = asked if asked.count(".") != 1 else f"{asked}.0"
    elif asked and python != asked and not python.startswith(f"{asked}."):
        raise _other_python(builder, python, "conda" if by_conda else "apt")
    return msgspec.structs.replace(facts, python=python, conda=digest(locked[LOCK]) if locked else "")


def _knows(image_set: ImageSet, builder: Builder) -> str:
    if groups(image_set, builder.name, "conda"):
        return "conda too"
    return "apt too, where a Docker engine answers"


def check_pip(image_set: ImageSet, builder: str, locked: LockFiles) -> None:
    """Raise ExpectedError where pip would install for another Python than that of conda's lock files."""
    if not _by_conda(locked):
        return
    from resolvers import conda

    target = Target(platform=image_set.platforms[0])
    for stage in stages_of(image_set, builder):
        there = (stage.name, *ancestors(image_set, stage, "conda"))
        if "pip" in stage.requirements and "python" not in {pin.name for pin in conda.select(locked, target, there)}:
            raise ExpectedError(
                f"images.toml: {stage.name} asks pip for packages, but the Python of conda is not there",
                f'add "python" to the conda list of {stage.name}, or of a stage that it stands on',
            )


def _by_conda(locked: LockFiles) -> str:
    if not locked:
        return ""
    from resolvers import conda

    return conda.python_version(locked)


def _other_python(builder: Builder, locked: str, manager: str) -> ExpectedError:
    where = "ask conda for" if manager == "conda" else "choose a base that has"
    return ExpectedError(
        f"images.toml: builder.{builder.name}.python is {builder.python}, but {manager} locked Python {locked}",
        f'write python = "{locked.rpartition(".")[0]}", or {where} Python {builder.python}',
    )


def targets(image_set: ImageSet, facts: BuilderFacts) -> tuple[Target, ...]:
    """What decides which file of a package fits, for each platform."""
    return tuple(
        Target(platform=platform, python=facts.python, glibc=facts.glibc.get(platform, ""))
        for platform in image_set.platforms
    )


def conda_of(builder: Builder) -> Conda:
    """What images.toml says of a builder's conda packages; the defaults for one that has none."""
    return builder.conda or Conda()


def conda_options(builder: Builder) -> CondaOptions:
    """The same, as conda's resolver takes it."""
    asked = conda_of(builder)
    virtual = {f"__{name}": version for name, version in asked.virtual.items()}
    return CondaOptions(channels=asked.channels, priority=asked.priority, virtual=virtual)


def brought(image_set: ImageSet, builder: str, locked: LockFiles, at: tuple[Target, ...]) -> tuple[Brought, ...]:
    """The Python distributions that conda's packages bring, by group and platform; asks the channels."""
    if not locked:
        return ()
    from resolvers.conda_names import distributions

    return tuple(
        Brought(group=group.name, platform=target.platform, name=each.name, version=each.version, package=each.package)
        for group in groups(image_set, builder, "conda")
        for target in at
        for each in distributions(locked, target, (group.name,))
    )


def below(image_set: ImageSet, builder: str) -> Mapping[str, tuple[str, ...]]:
    """The stages whose environment each stage of a builder finds there, nearest first."""
    return {stage.name: ancestors(image_set, stage, ENVIRONMENT[0]) for stage in stages_of(image_set, builder)}
