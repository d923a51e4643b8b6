"""The newest versions of apk's or apt's packages: those that an upgrade would lock now."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from msgspec.structs import replace

from orbiter.config.requirements import package_name
from orbiter.diff.versions import compare_versions
from orbiter.locking.request import request_for
from orbiter.locking.work import Environment, LockOptions, LockRun
from orbiter.lockset.inputs import locked_files
from orbiter.lockset.model import BuilderFacts, LockSet
from orbiter.lockset.targets import targets
from orbiter.tasks import StartTask
from resolvers.errors import UnsolvableError
from resolvers.managers import MANAGERS
from resolvers.types.packages import Availability, AvailableVersion
from resolvers.types.request import Group, Request, Upgrade

SOURCES = "/@"
"""Characters in front of a suite or a repository, from which the package must come."""


def newest_versions(
    lock_set: LockSet,
    builder: str,
    manager: str,
    environment: Environment,
    start_task: StartTask,
    progress: Callable[[str], None],
) -> dict[str, Availability]:
    """Return the versions of the packages that an upgrade of the builder would lock, by name.

    The index is that of the locked base image, as for ``orbiter lock``. Writes no lock set. Raises
    ExpectedError if nothing can be resolved, for example without a Docker engine.
    """
    request = _request(lock_set, builder, manager, environment, start_task, progress)
    allowed = _solved(request, manager)
    return {
        name: Availability(
            allowed=AvailableVersion(version),
            newest=AvailableVersion(version),
        )
        for name, version in allowed.items()
    } | _unlimited(request, manager, allowed)


def _unlimited(
    request: Request, manager: str, allowed: Mapping[str, str]
) -> dict[str, Availability]:
    """Return the packages whose requirements limit their version, with the newest of all."""
    limited = {
        package_name(manager, text): text
        for group in request.groups
        for text in group.requirements
        if text != _without_limit(manager, text)
    }
    if not limited:
        return {}
    groups = tuple(_group_without_limits(manager, group) for group in request.groups)
    try:
        newest = _solved(replace(request, groups=groups), manager)
    except UnsolvableError:
        return {}  # the limits are why there is a solution at all
    return {
        name: Availability(
            allowed=AvailableVersion(allowed[name]), newest=AvailableVersion(newest[name])
        )
        for name in limited
        if name in allowed and name in newest
    }


def _group_without_limits(manager: str, group: Group) -> Group:
    requirements = tuple(_without_limit(manager, text) for text in group.requirements)
    return replace(group, requirements=requirements)


def _without_limit(manager: str, requirement: str) -> str:
    """Return a requirement for any version from the same source."""
    if any(letter in requirement for letter in SOURCES):
        return requirement
    return package_name(manager, requirement)


def _solved(request: Request, manager: str) -> dict[str, str]:
    """Return the lowest version of each package in the solution, so all platforms can have it."""
    resolver = MANAGERS[manager]
    versions: dict[str, str] = {}
    for package in resolver.read(resolver.resolve(request)):
        known = versions.setdefault(package.name, package.version)
        if compare_versions(manager, package.version, known) == -1:
            versions[package.name] = package.version
    return versions


def _request(
    lock_set: LockSet,
    builder: str,
    manager: str,
    environment: Environment,
    start_task: StartTask,
    progress: Callable[[str], None],
) -> Request:
    """Return the request of an upgrade, from the image set of the lock set."""
    image_set = lock_set.image_set
    settings = image_set.builders[builder]
    run = LockRun(
        image_set=image_set,
        previous=lock_set,
        options=LockOptions(now=datetime.now(UTC), upgrade=Upgrade(everything=True)),
        environment=environment,
        start_task=start_task,
        as_of=None,
        own_files=lock_set.files,
        downloads=lock_set.files,
    )
    if settings.base:
        bases = lock_set.manifest.bases.get(settings.base, {})
        shell = environment.base_shell(settings.base, bases)
    else:
        shell = environment.debian_shell(settings.suite)
    return request_for(
        run,
        settings,
        manager,
        targets=targets(image_set, lock_set.manifest.builders.get(builder, BuilderFacts())),
        previous=locked_files(lock_set, builder, manager),
        conda_files={},
        shell=shell,
        progress=progress,
        warn=lambda _warning: None,
    )
