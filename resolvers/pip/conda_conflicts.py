"""Checks of pip's requirements and lock against the distributions that conda provides. Pure."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from resolvers.errors import ExpectedError, UnsolvableError
from resolvers.pip import markers, provided
from resolvers.pip.index_proxy import MISSING_VERSION
from resolvers.pip.provided import PackagesOf
from resolvers.types.options import ProvidedDistribution
from resolvers.types.packages import Package
from resolvers.types.request import Group, Request, Target


def check_request(request: Request) -> None:
    """Raise ExpectedError if pip should install or upgrade a distribution that conda provides."""
    for name in request.upgrade.packages:
        for dist in provided.lowest_stage_first(request):
            if dist.name == canonicalize_name(name):
                raise ExpectedError(
                    f"pip cannot upgrade '{name}': conda provides {dist.name} {dist.version} "
                    f"(package '{dist.package}' of stage '{dist.group}')",
                    f"upgrade conda's package '{dist.package}' instead",
                )
    _check_constraints(request)
    # As keys of a dictionary, equal lines for several platforms appear once, in order.
    lines = {line: None for group in request.groups for line in _required_twice(request, group)}
    if lines:
        raise ExpectedError("\n".join(lines), "remove each package from one of its two lists")


def _check_constraints(request: Request) -> None:
    """Raise ExpectedError for a constraint that excludes a version which conda provides."""
    for constraint in map(Requirement, request.pip.constraints):
        for dist in provided.lowest_stage_first(request):
            version = provided.parse_version(dist.version)
            if dist.name != canonicalize_name(constraint.name) or version is None:
                continue
            if not constraint.specifier.contains(version, prereleases=True):
                raise ExpectedError(
                    f"the constraint '{constraint}' excludes {dist.name} {dist.version}, which "
                    f"conda provides (package '{dist.package}' of stage '{dist.group}')",
                    f"limit '{dist.package}' in the conda list, or change the constraint",
                )


def _required_twice(request: Request, group: Group) -> Iterator[str]:
    for target in request.targets:
        distributions = provided.provided_in(request, group.name, target)
        for requirement, name in _applicable_requirements(group, target):
            if dist := distributions.get(name):
                yield (
                    f"stage '{group.name}': pip requires '{requirement}', but conda already "
                    f"provides {name} {dist.version} "
                    f"(package '{dist.package}' of stage '{dist.group}')"
                )


def _applicable_requirements(group: Group, target: Target) -> Iterator[tuple[str, str]]:
    """Yield the group's requirements that apply to the target, each with the required name."""
    for text in sorted(set(group.requirements)):
        requirement = Requirement(text)
        if requirement.marker is None or markers.applies(str(requirement.marker), target):
            yield text, canonicalize_name(requirement.name)


def check_available(request: Request, packages_of: PackagesOf) -> None:
    """Raise UnsolvableError if the index lacks a version that conda provides and pip needs.

    The engines would not report this. They would choose an old version of the dependent package,
    from before it needed the distribution. So the index proxy offers a placeholder wheel, which
    must not remain in a lock.
    """
    if not request.pip.provided:
        return
    causes: dict[ProvidedDistribution, str] = {}
    missing: dict[ProvidedDistribution, None] = {}
    for group, target in provided.groups_and_targets(request):
        packages = {package.name: package for package in packages_of(group.name, target)}
        for dist in request.pip.provided:
            package = packages.get(dist.name)
            if dist.platform != target.platform or package is None:
                continue
            if dist not in causes:
                causes[dist] = _cause(group, target, packages, dist.name)
            if provided.parse_version(dist.version) is None or _is_missing(package):
                missing[dist] = None
    ambiguous = provided.with_several_versions(causes)
    title = "conda provides two versions of a distribution that pip locks once:"
    _reject(ambiguous, request, causes, title)
    title = "conda provides versions that the package index does not have:"
    _reject(list(missing), request, causes, title)


def _is_missing(package: Package) -> bool:
    return any(artifact.hash == f"sha256:{MISSING_VERSION}" for artifact in package.artifacts)


def _reject(
    distributions: list[ProvidedDistribution],
    request: Request,
    causes: Mapping[ProvidedDistribution, str],
    title: str,
) -> None:
    """Raise UnsolvableError if there are any distributions."""
    if not distributions:
        return
    names = {dist.name for dist in distributions}
    versions = provided.describe(provided.with_provided(request, distributions), names)
    reasons = {f"  pip needs '{dist.name}': {causes[dist]}" for dist in distributions}
    hint = "request another version from conda, or of the package that needs it"
    lines = [title, *versions, *sorted(reasons)]
    raise UnsolvableError("\n".join(lines), hint)


def check_lock(request: Request, packages_of: PackagesOf) -> None:
    """Check that pip's lock is consistent with the distributions that conda provides.

    Raises UnsolvableError if pip locked another version than the provided one. Raises ExpectedError
    if conda would overwrite a package of pip in a later stage.
    """
    if not request.pip.provided:
        return
    locked = {
        (group.name, target): packages_of(group.name, target)
        for group, target in provided.groups_and_targets(request)
    }
    for (_, target), packages in locked.items():
        _check_versions(request, target, packages)
    lines: dict[str, None] = {}
    additions: dict[str, set[str]] = {}
    for group, target in provided.groups_and_targets(request):
        packages = locked[group.name, target]
        for line, dist in _overwritten(request, group, target, packages):
            lines[line] = None
            additions.setdefault(group.name, set()).add(dist.package)
    if lines:
        hints = (
            f"add {', '.join(sorted(packages))} to the conda list of '{group}'"
            for group, packages in additions.items()
        )
        raise ExpectedError("\n".join(lines), "; ".join(hints))


def _check_versions(request: Request, target: Target, packages: Iterable[Package]) -> None:
    locked = {package.name: package.version for package in packages}
    for dist in request.pip.provided:
        version = locked.get(dist.name)
        if dist.platform != target.platform or version is None:
            continue
        # A specifier, because ==1.0 also matches a local version such as 1.0+cpu.
        if not SpecifierSet(f"=={dist.version}").contains(version, prereleases=True):
            raise UnsolvableError(
                f"pip's lock has {dist.name} {version}, but conda provides {dist.version} "
                f"on {dist.platform} (package '{dist.package}' of stage '{dist.group}')",
                "request the same version from conda on every platform, or use the engine uv, "
                "which can lock one version per platform",
            )


def _overwritten(
    request: Request, group: Group, target: Target, packages: tuple[Package, ...]
) -> Iterator[tuple[str, ProvidedDistribution]]:
    """Yield a line of the error for each package that conda would overwrite in a later stage."""
    by_name = {package.name: package for package in packages}
    already_provided = provided.provided_in(request, group.name, target)
    later: dict[str, ProvidedDistribution] = {}
    for dist in provided.lowest_stage_first(request):
        is_later = group.name in request.pip.parents.get(dist.group, ())
        if dist.platform == target.platform and is_later:
            later.setdefault(dist.name, dist)
    for name in by_name:
        if name in later and name not in already_provided:
            dist = later[name]
            line = (
                f"pip installs {name} in '{group.name}' ({_cause(group, target, by_name, name)}), "
                f"and conda installs it in '{dist.group}' (package '{dist.package}')"
            )
            yield line, dist


def _cause(group: Group, target: Target, packages: Mapping[str, Package], name: str) -> str:
    """Return why a group needs a package: ``via b, needed by a, required by 'group'``."""
    chain = _dependency_chain(group, target, packages, name)
    via = f"via {', needed by '.join(chain)}, " if chain else ""
    return f"{via}required by '{group.name}'"


def _dependency_chain(
    group: Group, target: Target, packages: Mapping[str, Package], name: str
) -> list[str]:
    """Return the shortest chain of packages from one that needs ``name`` up to a requirement.

    The chain is empty if the group itself requires ``name``.
    """
    roots = [required for _, required in _applicable_requirements(group, target)]
    parents = dict.fromkeys(roots, "")
    queue = deque(parents)
    while queue:
        parent = queue.popleft()
        package = packages.get(parent)
        for required in package.requires if package else ():
            if required in packages and required not in parents:
                parents[required] = parent
                queue.append(required)
    chain = []
    while parent := parents.get(name, ""):
        chain.append(parent)
        name = parent
    return chain
