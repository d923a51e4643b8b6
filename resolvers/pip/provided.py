"""The Python distributions that conda provides, and how they constrain pip's solve. Pure.

An image must contain one version of a distribution, installed by one of the two managers. So pip
locks the versions that conda provides, and does not install them.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Set

import msgspec
from packaging.version import InvalidVersion, Version

from resolvers.pip.markers import machine
from resolvers.types import Group, Package, ProvidedDistribution, Request, Target

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
    return with_provided(request, (dist for dist in request.pip.provided if dist.name in names))


def only_constraining(request: Request) -> Request:
    """Return the request with the provided distributions that can constrain a solve.

    They have a version that pip understands, and only one on each platform. The others do not
    matter unless pip needs them: then conda_conflicts.check_available rejects the lock.
    """
    ambiguous = with_several_versions(request.pip.provided)
    constraining = (
        dist
        for dist in request.pip.provided
        if dist not in ambiguous and parse_version(dist.version)
    )
    return with_provided(request, constraining)


def parse_version(text: str) -> Version | None:
    """Return a version as pip understands it (PEP 440), or None."""
    try:
        return Version(text)
    except InvalidVersion:
        return None


def with_several_versions(provided: Iterable[ProvidedDistribution]) -> list[ProvidedDistribution]:
    """Return the distributions that conda provides in several versions on one platform."""
    distributions = list(provided)
    versions: dict[tuple[str, str], set[str]] = {}
    for dist in distributions:
        versions.setdefault((dist.platform, dist.name), set()).add(dist.version)
    return [dist for dist in distributions if len(versions[dist.platform, dist.name]) > 1]


def versions(request: Request, without: Set[str] = frozenset()) -> Mapping[str, frozenset[Version]]:
    """Map the names of provided distributions to their versions on all platforms."""
    collected: dict[str, set[Version]] = {}
    for dist in request.pip.provided:
        if dist.name not in without:
            collected.setdefault(dist.name, set()).add(Version(dist.version))
    return {name: frozenset(versions) for name, versions in collected.items()}


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
    distributions = [
        dist
        for dist in request.pip.provided
        if dist.platform == target.platform and dist.group in stages
    ]
    # Farthest first, so that nearer ones replace them.
    distributions.sort(key=lambda dist: stages.index(dist.group), reverse=True)
    return {dist.name: dist for dist in distributions}


def lowest_stage_first(request: Request) -> list[ProvidedDistribution]:
    """Return the provided distributions, ordered by the number of parents of their stages."""
    parents = request.pip.parents
    return sorted(request.pip.provided, key=lambda dist: (len(parents.get(dist.group, ())), dist))


def constraints(request: Request) -> tuple[str, ...]:
    """Return the provided versions as sorted constraints (PEP 508).

    A constraint has a marker if the platforms differ.
    """
    return tuple(sorted({_constraint(request, dist) for dist in request.pip.provided}))


def _constraint(request: Request, dist: ProvidedDistribution) -> str:
    requirement = f"{dist.name}=={dist.version}"
    if _is_on_all_platforms(request, dist):
        return requirement
    return f"{requirement} ; platform_machine == '{machine(dist.platform)}'"


def _is_on_all_platforms(request: Request, dist: ProvidedDistribution) -> bool:
    """Return whether conda provides this version on all platforms, in whatever groups."""
    platforms = {
        other.platform
        for other in request.pip.provided
        if (other.name, other.version) == (dist.name, dist.version)
    }
    return platforms >= {target.platform for target in request.targets}


def describe(request: Request, names: Set[str]) -> list[str]:
    """Return a line for an error message for each version provided of the named distributions."""
    lines: dict[str, str] = {}
    for dist in lowest_stage_first(request):
        if dist.name in names:
            platform = "" if _is_on_all_platforms(request, dist) else f" on {dist.platform}"
            start = f"  '{dist.name}' is {dist.version}{platform}, provided by the conda package "
            lines.setdefault(start, f"{start}'{dist.package}' of '{dist.group}'")
    return [line for _, line in sorted(lines.items())]
