"""From apk's solutions to the content of apk.lock."""

from collections.abc import Mapping

from resolvers.apk.base import AlpineBase
from resolvers.apk.lock_file import FORMAT, ApkLock, ApkPackage, ApkPlatform
from resolvers.apk.solve import ApkSolution
from resolvers.distro.solution import (
    adding_groups,
    locked_groups,
    merge_platforms,
    package_providers,
)
from resolvers.types.request import Group


def build_lock(groups: tuple[Group, ...], solutions: Mapping[str, ApkSolution]) -> ApkLock:
    """Return the lock for solutions by platform."""
    packages = {platform: _packages(groups, solution) for platform, solution in solutions.items()}
    return ApkLock(
        format=FORMAT,
        platforms={name: _platform(solution.base) for name, solution in solutions.items()},
        groups=locked_groups(groups),
        package=tuple(sorted(merge_platforms(packages))),
    )


def _platform(base: AlpineBase) -> ApkPlatform:
    return ApkPlatform(
        apk=base.apk,
        musl=base.musl,
        python=base.python,
        interpreter=base.interpreter,
        world=base.world,
    )


def _packages(groups: tuple[Group, ...], solution: ApkSolution) -> list[ApkPackage]:
    """Return the packages of one platform, without the platform.

    ``requires`` leaves out the dependencies that the base image meets.
    """
    adding = adding_groups(groups, solution.groups)
    providers = package_providers(solution.records.values())
    packages = []
    for key, record in solution.records.items():
        required = {providers[name] for name in record.depends if name in providers}
        package = ApkPackage(
            name=record.name,
            version=record.version,
            architecture=record.architecture,
            platforms=(),
            groups=tuple(sorted(adding[key])),
            file=record.file,
            size=record.size,
            checksum=record.checksum,
            sha256=record.sha256,
            origin=record.origin,
            license=record.license,
            requires=tuple(sorted(required - {record.name})),
            repository=record.repository,
            url=record.url,
        )
        packages.append(package)
    return packages
