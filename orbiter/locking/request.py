"""The request that a manager's resolver gets for one builder."""

from collections.abc import Callable

from orbiter.config.builders import conda_options, conda_settings
from orbiter.config.image_set import Builder, ImageSet
from orbiter.config.npm_rules import npm_settings
from orbiter.config.stage_graph import ENVIRONMENT_MANAGERS, ancestors, builder_stages, groups
from orbiter.locking.downloads import package_files
from orbiter.locking.limits import version_limits
from orbiter.locking.packages import locked_names
from orbiter.locking.repositories import system_repositories
from orbiter.locking.work import LockRun
from resolvers.types.options import (
    NpmOptions,
    PipOptions,
    ProvidedDistribution,
    Shell,
    SystemOptions,
)
from resolvers.types.packages import LockFiles
from resolvers.types.request import LockWarning, Request, Target, Upgrade


def request_for(
    run: LockRun,
    builder: Builder,
    manager: str,
    *,
    targets: tuple[Target, ...],
    previous: LockFiles,
    conda_files: LockFiles,
    shell: Shell,
    progress: Callable[[str], None],
    warn: Callable[[LockWarning], None],
) -> Request:
    """Return the request; ``conda_files`` are the lock files of conda that pip builds on."""
    return Request(
        groups=groups(run.image_set, builder.name, manager),
        targets=targets,
        previous=previous,
        upgrade=_upgrade_of(run.upgrade_of(builder.name, manager), manager, previous),
        limits=version_limits(manager, previous, run.options.largest_step),
        as_of=run.as_of,
        engine=engine_of(builder, manager),
        progress=progress,
        warn=warn,
        warnings=tuple(
            LockWarning(warning.package, warning.text, warning.hint)
            for warning in run.previous_warnings(builder.name, manager)
        ),
        system=SystemOptions(
            shell=shell,
            suite=builder.suite,
            repositories=system_repositories(run, builder, manager),
            packages=package_files(run, builder.name, manager),
        ),
        conda=conda_options(builder),
        pip=_pip_options(run.image_set, builder.name, conda_files, targets),
        npm=NpmOptions(
            overrides=npm_settings(builder).overrides,
            registries=run.image_set.npm_registries or {},
        ),
    )


def _pip_options(
    image_set: ImageSet, builder: str, conda_files: LockFiles, targets: tuple[Target, ...]
) -> PipOptions:
    return PipOptions(
        provided=_provided(image_set, builder, conda_files, targets),
        parents={
            stage.name: ancestors(image_set, stage, ENVIRONMENT_MANAGERS[0])
            for stage in builder_stages(image_set, builder)
        },
    )


def engine_of(builder: Builder, manager: str) -> str:
    """Return the engine that resolves for a manager: the manager itself if it has only one."""
    engines = {"pip": builder.pip_engine, "conda": conda_settings(builder).engine}
    return engines.get(manager, manager)


def _upgrade_of(upgrade: Upgrade, manager: str, files: LockFiles) -> Upgrade:
    """Return the part of an upgrade that concerns one manager."""
    if not upgrade.packages:
        return upgrade
    locked = locked_names(manager, files)
    packages = {name: version for name, version in upgrade.packages.items() if name in locked}
    return Upgrade(everything=upgrade.everything, packages=packages)


def _provided(
    image_set: ImageSet, builder: str, conda_files: LockFiles, targets: tuple[Target, ...]
) -> tuple[ProvidedDistribution, ...]:
    """Return the Python distributions that conda's packages provide; queries the channels."""
    if not conda_files:
        return ()
    from resolvers.conda.python_names import provided_distributions

    provided = []
    for group in groups(image_set, builder, "conda"):
        for target in targets:
            for distribution in provided_distributions(conda_files, target, (group.name,)):
                provided.append(
                    ProvidedDistribution(
                        group=group.name,
                        platform=target.platform,
                        name=distribution.name,
                        version=distribution.version,
                        package=distribution.package,
                    )
                )
    return tuple(provided)
