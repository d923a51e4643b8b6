"""Rules about the Python that pip's packages are locked for."""

from collections.abc import Callable

import msgspec

from orbiter.config.builders import system_manager
from orbiter.config.image_set import Builder, ImageSet
from orbiter.config.stage_graph import ancestors, builder_stages, groups, stages_with_pip
from orbiter.locking.base_facts import _system_stages
from orbiter.lockset.inputs import LOCK_FILES
from orbiter.lockset.model import BuilderFacts, digest
from resolvers.errors import ExpectedError
from resolvers.types import LockFiles, Target

LOCK = LOCK_FILES["conda"][-1]


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
    return msgspec.structs.replace(
        facts, python=python, conda=digest(locked[LOCK]) if locked else ""
    )


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
    for stage in stages_with_pip(image_set, builder):
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
        from resolvers.apk import manager as apk

        return apk.has_python
    from resolvers.apt import manager as apt

    return apt.has_python


def check_pip(image_set: ImageSet, builder: str, locked: LockFiles) -> None:
    """Raise ExpectedError where pip would install for another Python than that of conda's lock files."""
    if not _by_conda(locked):
        return
    from resolvers.conda import manager as conda

    target = Target(platform=image_set.platforms[0])
    for stage in builder_stages(image_set, builder):
        there = (stage.name, *ancestors(image_set, stage, "conda"))
        if "pip" in stage.requirements and "python" not in {
            pin.name for pin in conda.select(locked, target, there)
        }:
            raise ExpectedError(
                f"images.toml: {stage.name} asks pip for packages, but the Python of conda is not there",
                f'add "python" to the conda list of {stage.name}, or of a stage that it stands on',
            )


def _by_conda(locked: LockFiles) -> str:
    if not locked:
        return ""
    from resolvers.conda import manager as conda

    return conda.python_version(locked)


def _other_python(builder: Builder, locked: str, manager: str) -> ExpectedError:
    where = "ask conda for" if manager == "conda" else "choose a base that has"
    return ExpectedError(
        f"images.toml: builder.{builder.name}.python is {builder.python}, but {manager} locked Python {locked}",
        f'write python = "{locked.rpartition(".")[0]}", or {where} Python {builder.python}',
    )
