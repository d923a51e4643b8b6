"""Rules about the Python that pip packages are locked for."""

import msgspec

from orbiter.config.builders import system_manager
from orbiter.config.image_set import Builder, ImageSet
from orbiter.config.stage_graph import ancestors, builder_stages, groups, stages_with
from orbiter.locking.base_facts import system_stages
from orbiter.lockset.inputs import LOCK_FILES
from orbiter.lockset.model import BuilderFacts, digest
from resolvers.errors import ExpectedError
from resolvers.types.packages import LockFiles
from resolvers.types.request import Target

CONDA_LOCK = LOCK_FILES["conda"][-1]
MAJOR_MINOR_DOTS = 1


def with_python(
    image_set: ImageSet,
    builder: Builder,
    facts: BuilderFacts,
    conda_files: LockFiles,
    *,
    for_pip: bool,
) -> BuilderFacts:
    """Return the facts with the Python that conda locked, if it did.

    Without a locked Python, the facts name the first version of the series in images.toml.
    ``for_pip`` says that pip's packages are locked in this run. Raises ExpectedError if the
    locked Python contradicts images.toml.
    """
    conda_python = _conda_python(conda_files)
    python = conda_python or facts.python
    configured = builder.python
    if not python and not configured and for_pip:
        raise ExpectedError(
            f"images.toml: builder.{builder.name}.python is not set, "
            "and the packages that determine the Python version are not locked",
            f'write python = "3.13" there, or also lock {_python_source(image_set, builder)}',
        )
    if not python:
        python = _first_of_series(configured)
    elif configured and python != configured and not python.startswith(f"{configured}."):
        manager = "conda" if conda_python else system_manager(builder.name)
        raise _contradiction(builder, python, manager)
    conda_digest = ""
    if conda_files:
        conda_digest = digest(conda_files[CONDA_LOCK])
    return msgspec.structs.replace(facts, python=python, conda=conda_digest)


def _first_of_series(version: str) -> str:
    """Return ``3.13.0`` for ``3.13``; other versions are returned unchanged."""
    return f"{version}.0" if version.count(".") == MAJOR_MINOR_DOTS else version


def _python_source(image_set: ImageSet, builder: Builder) -> str:
    if groups(image_set, builder.name, "conda"):
        return "conda"
    return f"{system_manager(builder.name)}, which needs a Docker engine"


def _contradiction(builder: Builder, locked: str, manager: str) -> ExpectedError:
    remedy = "choose a base image with" if manager != "conda" else "require from conda"
    series = locked.rpartition(".")[0]
    return ExpectedError(
        f"images.toml: builder.{builder.name}.python is {builder.python}, "
        f"but {manager} locked Python {locked}",
        f'write python = "{series}", or {remedy} Python {builder.python}',
    )


def check_python(
    image_set: ImageSet,
    builder: str,
    facts: BuilderFacts,
    system_files: LockFiles,
    conda_files: LockFiles,
) -> None:
    """Raise ExpectedError if a stage has pip packages, but no Python.

    ``facts`` are those of the base, ``system_files`` the lock files of apk or apt. If conda locked
    a Python, pip's packages are installed for it, and nothing is checked.
    """
    if _conda_python(conda_files):
        return
    manager = system_manager(builder)
    for stage in stages_with(image_set, builder, "pip"):
        stages = system_stages(image_set, stage)
        for platform in image_set.platforms:
            present = bool(facts.python)
            if system_files:
                present = _locks_python(manager, system_files, platform, stages)
            if not present:
                raise ExpectedError(
                    f"images.toml: {stage.name} has pip packages, but no Python",
                    f'add "python3" to the {manager} list of {stage.name}, '
                    "or of a stage that it inherits from",
                )


def _locks_python(manager: str, files: LockFiles, platform: str, stages: tuple[str, ...]) -> bool:
    target = Target(platform=platform)
    if manager == "apk":
        from resolvers.apk import manager as apk

        return apk.has_python(files, target, stages)
    from resolvers.apt import manager as apt

    return apt.has_python(files, target, stages)


def check_conda_python(image_set: ImageSet, builder: str, conda_files: LockFiles) -> None:
    """Raise ExpectedError if a stage has pip packages, but not the Python that conda locked."""
    if not _conda_python(conda_files):
        return
    from resolvers.conda import manager as conda

    target = Target(platform=image_set.platforms[0])
    for stage in builder_stages(image_set, builder):
        if "pip" not in stage.requirements:
            continue
        stages = (stage.name, *ancestors(image_set, stage, "conda"))
        names = {pin.name for pin in conda.select(conda_files, target, stages)}
        if "python" not in names:
            raise ExpectedError(
                f"images.toml: {stage.name} has pip packages, but not the Python of conda",
                f'add "python" to the conda list of {stage.name}, '
                "or of a stage that it inherits from",
            )


def _conda_python(conda_files: LockFiles) -> str:
    if not conda_files:
        return ""
    from resolvers.conda import manager as conda

    return conda.python_version(conda_files)
