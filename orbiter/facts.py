"""What a builder's images have that decides what fits into them: the exact Python, the C library, what conda brings."""

from collections.abc import Callable, Mapping

import msgspec

from orbiter.builders import system_manager
from orbiter.config import Builder, Conda, ImageSet, Stage
from orbiter.groups import ENVIRONMENT, ancestors, groups, stages_of, with_pip
from orbiter.inputs import FILES
from orbiter.lockset import BuilderFacts, digest
from resolvers.errors import ExpectedError
from resolvers.types import Brought, CondaOptions, LockFiles, Shell, Target

LOCK = FILES["conda"][-1]
ASSUMED_GLIBC = "2.41"
"""glibc for which a part alone is solved while no base image was looked at; the full lock solves again if need be."""
ASSUMED_MUSL = "1.2.5"
"""The same for builders on Alpine; that of Alpine 3.20 and later."""


def of_base(
    image_set: ImageSet, builder: str, *, locked: LockFiles, known: BuilderFacts | None, shell: Shell | None
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
    stages = with_pip(image_set, builder) or stages_of(image_set, builder)
    return tuple({name for stage in stages for name in _system_stages(image_set, stage)})


def _system_stages(image_set: ImageSet, stage: Stage) -> tuple[str, ...]:
    """A stage, and those below that it has its system packages of."""
    return (stage.name, *ancestors(image_set, stage, system_manager(stage.builder)))


def _of_debian(
    platforms: tuple[str, ...], locked: LockFiles, there: tuple[str, ...], shell: Shell | None
) -> BuilderFacts:
    from resolvers import apt

    if locked:
        return BuilderFacts(python=apt.python_version(locked, there), glibc=apt.glibc(locked))
    found = {platform: apt.facts(shell, platform) for platform in platforms} if shell else {}
    python = next((each.python for each in found.values()), "")
    return BuilderFacts(python=python, glibc={name: each.glibc for name, each in found.items()})


def _of_alpine(
    platforms: tuple[str, ...], locked: LockFiles, there: tuple[str, ...], shell: Shell | None
) -> BuilderFacts:
    from resolvers import apk

    if locked:
        return BuilderFacts(python=apk.python_version(locked, there), musl=apk.musl(locked))
    found = {platform: apk.facts(shell, platform) for platform in platforms} if shell else {}
    python = next((each.python for each in found.values()), "")
    return BuilderFacts(python=python, musl={name: each.musl for name, each in found.items()})


def _with_libc(facts: BuilderFacts, builder: str, platforms: tuple[str, ...]) -> BuilderFacts:
    """The facts with a C library for platforms that nothing is known of yet."""
    if system_manager(builder) == "apk":
        return msgspec.structs.replace(facts, musl={**dict.fromkeys(platforms, ASSUMED_MUSL), **facts.musl})
    return msgspec.structs.replace(facts, glibc={**dict.fromkeys(platforms, ASSUMED_GLIBC), **facts.glibc})


def with_python(
    image_set: ImageSet, builder: Builder, facts: BuilderFacts, locked: LockFiles, *, for_pip: bool
) -> BuilderFacts:
    """The facts with the Python that conda's lock files name, if they do; checked against images.toml.

    Where none is locked it is the first of the series that images.toml asks for. ``for_pip`` says that pip is to be
    solved for it.
    """
    by_conda = _by_conda(locked)
    python = by_conda or facts.python
    asked = builder.python
    if not python and not asked and for_pip:
        raise ExpectedError(
            f"images.toml: builder.{builder.name}.python is not set, and what knows the Python is not locked",
            f'write python = "3.13" there, or lock {_knows(image_set, builder)}',
        )
    if not python:
        python = asked if asked.count(".") != 1 else f"{asked}.0"
    elif asked and python != asked and not python.startswith(f"{asked}."):
        raise _other_python(builder, python, "conda" if by_conda else system_manager(builder.name))
    return msgspec.structs.replace(facts, python=python, conda=digest(locked[LOCK]) if locked else "")


def _knows(image_set: ImageSet, builder: Builder) -> str:
    if groups(image_set, builder.name, "conda"):
        return "conda too"
    return f"{system_manager(builder.name)} too, where a Docker engine answers"


def check_python(
    image_set: ImageSet, builder: str, facts: BuilderFacts, locked: LockFiles, by_conda: LockFiles
) -> None:
    """Raise ExpectedError where a stage has packages of pip, but no Python.

    ``facts`` are ``of_base`` ones, ``locked`` the lock files of the system manager, if it has any. Where conda's lock
    files name a Python, pip's packages are its.
    """
    if _by_conda(by_conda):
        return
    has_python = _has_python(builder)
    for stage in with_pip(image_set, builder):
        there = _system_stages(image_set, stage)
        for target in (Target(platform=platform) for platform in image_set.platforms):
            if not (has_python(locked, target, there) if locked else facts.python):
                manager = system_manager(builder)
                raise ExpectedError(
                    f"images.toml: {stage.name} has packages of pip, but no Python is there",
                    f'add "python3" to the {manager} list of {stage.name}, or of a stage that it stands on',
                )


def _has_python(builder: str) -> Callable[[LockFiles, Target, tuple[str, ...]], bool]:
    if system_manager(builder) == "apk":
        from resolvers import apk

        return apk.has_python
    from resolvers import apt

    return apt.has_python


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
    return tuple(target_of(facts, platform) for platform in image_set.platforms)


def target_of(facts: BuilderFacts, platform: str) -> Target:
    """The same for one platform."""
    glibc, musl = (known.get(platform, "") for known in (facts.glibc, facts.musl))
    return Target(platform=platform, python=facts.python, glibc=glibc, musl=musl)


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
