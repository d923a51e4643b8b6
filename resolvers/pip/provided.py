"""The Python distributions that conda provides, and how they constrain pip's solve. Pure.

An image must contain one version of a distribution, installed by one of the two managers. So pip
locks the versions that conda provides, and does not install them.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Set

import msgspec
from packaging.version import InvalidVersion, Version

from resolvers.pip.markers import machine
from resolvers.types.options import ProvidedDistribution
from resolvers.types.packages import Package
from resolvers.types.request import Group, Request, Target

PackagesOf = Callable[[str, Target], tuple[Package, ...]]
"""Returns the locked packages that a group needs on a target."""


def with_provided(request: Request, provided: Iterable[ProvidedDistribution]) -> Request:
    """Return the request with other provided distributions."""
    options = msgspec.structs.replace(request.pip, provided=tuple(provided))
    return msgspec.structs.replace(request, pip=options)


def only_locked(request: Request, packages: Iterable[Package]) -> Request:
    """Return the request without provided distributions that no locked package needs.

    These do not appear in the lock files.
    """
    names = {package.name for package in packages}
    locked = (dist for dist in request.pip.provided if dist.name in names)
    return with_provided(request, locked)


def only_constraining(request: Request) -> Request:
    """Return the request with the provided distributions that can constrain a solve.

    They have a version that pip understands, and only one on each platform. The others do not
    matter unless pip needs them: then conda_conflicts.check_available rejects the lock.
    """
    ambiguous = with_several_versions(request.pip.provided)
    constraining = []
    for dist in request.pip.provided:
        has_valid_version = parse_version(dist.version) is not None
        if has_valid_version and dist not in ambiguous:
            constraining.append(dist)
    return with_provided(request, constraining)


def parse_version(text: str) -> Version | None:
    """Return a version as pip understands it (PEP 440), or None."""
    try:
        return Version(text)
    except InvalidVersion:
        return None


def with_several_versions(provided: Iterable[ProvidedDistribution]) -> list[ProvidedDistribution]:
    """Return the distributions that conda provides in several versions on one platform."""
    by_platform_and_name: dict[tuple[str, str], list[ProvidedDistribution]] = {}
    for dist in provided:
        key = (dist.platform, dist.name)
        by_platform_and_name.setdefault(key, []).append(dist)
    ambiguous = []
    for distributions in by_platform_and_name.values():
        versions = {dist.version for dist in distributions}
        if len(versions) > 1:
            ambiguous += distributions
    return ambiguous


def versions(request: Request, without: Set[str] = frozenset()) -> Mapping[str, frozenset[Version]]:
    """Map the names of provided distributions to their versions on all platforms."""
    collected: dict[str, set[Version]] = {}
    for dist in request.pip.provided:
        if dist.name not in without:
            collected.setdefault(dist.name, set()).add(Version(dist.version))
    return {name: frozenset(unique) for name, unique in collected.items()}


def shared(request: Request, packages_of: PackagesOf) -> frozenset[str]:
    """Return the names that conda provides in some groups or platforms and pip installs in others.

    pip must also meet the requirements of these distributions. For all other distributions that
    conda provides, conda has already met them.
    """
    names = {dist.name for dist in request.pip.provided}
    if not names:
        return frozenset()
    installed_by_pip: set[str] = set()
    for group, target in groups_and_targets(request):
        packages = {package.name for package in packages_of(group.name, target)}
        installed_by_pip |= packages - provided_in(request, group.name, target).keys()
    return frozenset(names & installed_by_pip)


def groups_and_targets(request: Request) -> Iterator[tuple[Group, Target]]:
    """Yield every combination of a group and a target."""
    for group in request.groups:
        for target in request.targets:
            yield group, target


def provided_in(request: Request, group: str, target: Target) -> dict[str, ProvidedDistribution]:
    """Map the names provided in a group or its parents to the distribution of the nearest one."""
    stages = (group, *request.pip.parents.get(group, ()))
    by_stage: dict[str, dict[str, ProvidedDistribution]] = {}
    for dist in request.pip.provided:
        if dist.platform == target.platform:
            by_stage.setdefault(dist.group, {})[dist.name] = dist
    nearest: dict[str, ProvidedDistribution] = {}
    # Farthest stage first, so that the distributions of nearer stages replace its own.
    for stage in reversed(stages):
        nearest |= by_stage.get(stage, {})
    return nearest


def lowest_stage_first(request: Request) -> list[ProvidedDistribution]:
    """Return the provided distributions, ordered by the number of parents of their stages."""

    def depth(dist: ProvidedDistribution) -> tuple[int, ProvidedDistribution]:
        parents = request.pip.parents.get(dist.group, ())
        return len(parents), dist

    return sorted(request.pip.provided, key=depth)


def constraints(request: Request) -> tuple[str, ...]:
    """Return the provided versions as sorted constraints (PEP 508).

    A constraint has a marker if the platforms differ.
    """
    unique = {_constraint(request, dist) for dist in request.pip.provided}
    return tuple(sorted(unique))


def _constraint(request: Request, dist: ProvidedDistribution) -> str:
    requirement = f"{dist.name}=={dist.version}"
    if _is_on_all_platforms(request, dist):
        return requirement
    return f"{requirement} ; platform_machine == '{machine(dist.platform)}'"


def _is_on_all_platforms(request: Request, dist: ProvidedDistribution) -> bool:
    """Return whether conda provides this version on all platforms, in whatever groups."""
    locked_platforms = {target.platform for target in request.targets}
    platforms = set()
    for other in request.pip.provided:
        if other.name == dist.name and other.version == dist.version:
            platforms.add(other.platform)
    return platforms >= locked_platforms


def describe(request: Request, names: Set[str]) -> list[str]:
    """Return a line of an error message for each provided version of the named distributions."""
    lines: dict[str, str] = {}
    for dist in lowest_stage_first(request):
        if dist.name in names:
            platform = "" if _is_on_all_platforms(request, dist) else f" on {dist.platform}"
            start = f"  '{dist.name}' is {dist.version}{platform}, provided by the conda package "
            lines.setdefault(start, f"{start}'{dist.package}' of '{dist.group}'")
    return [line for _, line in sorted(lines.items())]
