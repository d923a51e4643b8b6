"""From apt's solutions to the content of apt.lock."""

from collections.abc import Mapping

from resolvers.apt.base import DebianBase
from resolvers.apt.index import DebRecord
from resolvers.apt.lock_file import FORMAT, AptLock, AptPackage, AptPlatform
from resolvers.apt.solve import AptSolution
from resolvers.distro.solution import (
    adding_groups,
    locked_groups,
    merge_platforms,
    package_providers,
)
from resolvers.types.request import Group


def build_lock(
    groups: tuple[Group, ...], solutions: Mapping[str, AptSolution], suite: str
) -> AptLock:
    """Return the lock for solutions by platform."""
    packages = {platform: _packages(groups, solution) for platform, solution in solutions.items()}
    return AptLock(
        format=FORMAT,
        platforms={name: _platform(solution.base, suite) for name, solution in solutions.items()},
        groups=locked_groups(groups),
        package=tuple(sorted(merge_platforms(packages))),
    )


def _platform(base: DebianBase, suite: str) -> AptPlatform:
    return AptPlatform(
        apt=base.apt,
        glibc=base.glibc,
        python=base.python,
        interpreter=base.interpreter,
        suite=suite,
        signers=base.signers,
    )


def _packages(groups: tuple[Group, ...], solution: AptSolution) -> list[AptPackage]:
    """Return the packages of one platform, without the platform."""
    adding = adding_groups(groups, solution.groups)
    recommending = {group.name for group in groups if group.recommends}
    providers = package_providers(solution.records.values())
    packages = []
    for key, record in solution.records.items():
        is_recommending = not recommending.isdisjoint(adding[key])
        package = AptPackage(
            name=record.name,
            version=record.version,
            architecture=record.architecture,
            platforms=(),
            groups=tuple(sorted(adding[key])),
            file=record.file,
            size=record.size,
            sha256=record.sha256,
            requires=_requires(record, providers, is_recommending=is_recommending),
            repository=solution.repositories.get(key, ""),
            url=solution.addresses.get(key, ""),
            source_package=_unless(record.built_from.name, record.name),
            source_version=_unless(record.built_from.version, record.version),
        )
        packages.append(package)
    return packages


def _unless(value: str, usual: str) -> str:
    return "" if value == usual else value


def _requires(
    record: DebRecord, providers: Mapping[str, str], *, is_recommending: bool
) -> tuple[str, ...]:
    """Return the packages that meet the dependencies; those that the base image meets are left out.

    The first alternative that is locked counts. If ``is_recommending``, recommendations are like
    dependencies.
    """
    required: set[str] = set()
    for alternatives in (*record.depends, *(record.recommends if is_recommending else ())):
        locked = [providers[name] for name in alternatives if name in providers]
        required.update(locked[:1])
    return tuple(sorted(required - {record.name}))
