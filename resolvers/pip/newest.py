"""The newest versions of pip packages, from the pages of the indexes that locking uses."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from resolvers.errors import ExpectedError
from resolvers.index.index_file import IndexFile, supports, version_of
from resolvers.index.routes import Routes
from resolvers.net.prefetch import THREADS
from resolvers.pip import constraints, markers, wheels
from resolvers.types.packages import Artifact, Availability, AvailableVersion
from resolvers.types.request import Request, Target

Versions = Mapping[Version, list[IndexFile]]


def newest_versions(request: Request, names: tuple[str, ...]) -> dict[str, Availability]:
    """Return the newest versions of packages, by normalised name.

    An index that does not answer is the problem of its packages. Raises ExpectedError if the
    configuration of pip is invalid.
    """
    routes = Routes(request.pip)
    rules = {target: _specifiers(request, target) for target in request.targets}
    sdists = {canonicalize_name(name) for group in request.groups for name in group.sources}

    def look_up(name: str) -> Availability:
        try:
            versions = _versions(routes.files(name))
        except ExpectedError as error:
            return Availability(problem=error.message.splitlines()[0])
        allowed = [
            _highest(
                versions,
                specifiers,
                partial(_fits, targets=targets, is_sdist_allowed=name in sdists),
            )
            for specifiers, targets in _by_specifiers(name, rules).items()
        ]
        return Availability(
            allowed=max(filter(None, allowed), key=_order, default=None),
            newest=_highest(versions, SpecifierSet(), lambda _files: True),
        )

    with ThreadPoolExecutor(THREADS) as pool:
        return dict(zip(names, pool.map(look_up, names), strict=True))


def _order(available: AvailableVersion) -> Version:
    return Version(available.version)


def _by_specifiers(
    name: str, rules: Mapping[Target, Mapping[str, SpecifierSet]]
) -> dict[SpecifierSet, tuple[Target, ...]]:
    """Return the targets of each set of allowed versions; markers can give several sets.

    A target that no requirement applies to does not count, unless this is so for all targets.
    """
    requested = [target for target in rules if name in rules[target]] or list(rules)
    found: dict[SpecifierSet, tuple[Target, ...]] = {}
    for target in requested:
        specifiers = rules[target].get(name, SpecifierSet())
        found[specifiers] = (*found.get(specifiers, ()), target)
    return found


def _specifiers(request: Request, target: Target) -> dict[str, SpecifierSet]:
    """Return the versions of each package that a target may have.

    They follow from requirements, constraints and overrides.
    """
    found: dict[str, SpecifierSet] = {}
    texts = (text for group in request.groups for text in group.requirements)
    for requirement in _applicable(texts, target):
        name = canonicalize_name(requirement.name)
        found[name] = found.get(name, SpecifierSet()) & requirement.specifier
    for requirement in _applicable(request.pip.overrides, target):
        found[canonicalize_name(requirement.name)] = requirement.specifier
    limits = (constraint.text for constraint in constraints.applicable(request))
    for requirement in _applicable(limits, target):
        name = canonicalize_name(requirement.name)
        if name in found:
            found[name] &= requirement.specifier
    return found


def _applicable(texts: Iterable[str], target: Target) -> Iterator[Requirement]:
    """Yield the requirements whose marker applies to a target."""
    for text in texts:
        requirement = Requirement(text)
        if markers.applies(str(requirement.marker or ""), target):
            yield requirement


def _versions(files: Iterable[IndexFile]) -> Versions:
    """Return the files of each version that is not yanked."""
    versions: dict[Version, list[IndexFile]] = {}
    for file in files:
        if file.yanked is None and (version := version_of(file.name)):
            versions.setdefault(version, []).append(file)
    return versions


def _highest(
    versions: Versions, allowed: SpecifierSet, fits: Callable[[list[IndexFile]], bool]
) -> AvailableVersion | None:
    """Return the highest allowed version; a pre-release only if nothing else fits."""
    ordered = sorted(allowed.filter(versions, prereleases=True), reverse=True)
    if not allowed.prereleases:
        ordered.sort(key=lambda version: version.is_prerelease)  # keeps the order otherwise
    for version in ordered:
        if fits(versions[version]):
            times = [file.upload_time for file in versions[version] if file.upload_time]
            return AvailableVersion(str(version), min(times, default=None))
    return None


def _fits(files: list[IndexFile], *, targets: tuple[Target, ...], is_sdist_allowed: bool) -> bool:
    """Return whether every target can install one of the files."""
    return all(_fits_target(files, target, is_sdist_allowed) for target in targets)


def _fits_target(files: list[IndexFile], target: Target, is_sdist_allowed: bool) -> bool:
    artifacts = [
        Artifact(file=file.name, hash="", source="")
        for file in files
        if supports(file.requires_python, target.python)
    ]
    if wheels.best_wheel(artifacts, target):
        return True
    return is_sdist_allowed and wheels.sdist(artifacts) is not None
