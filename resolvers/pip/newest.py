"""The newest versions of pip packages, from the pages of the indexes that locking uses."""

from collections.abc import Callable, Iterable, Mapping
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
from resolvers.pip import constraints, wheels
from resolvers.types import Artifact, Availability, AvailableVersion, Request, Target

Versions = Mapping[Version, list[IndexFile]]


def newest_versions(request: Request, names: tuple[str, ...]) -> dict[str, Availability]:
    """Return the newest versions of packages, by normalised name.

    An index that does not answer is the problem of its packages. Raises ExpectedError if the
    configuration of pip is invalid.
    """
    routes = Routes(request.pip)
    rules = _specifiers(request)
    sdists = {canonicalize_name(name) for group in request.groups for name in group.sources}

    def look_up(name: str) -> Availability:
        try:
            versions = _versions(routes.files(name))
        except ExpectedError as error:
            return Availability(problem=error.message.splitlines()[0])
        fits = partial(_fits, targets=request.targets, is_sdist_allowed=name in sdists)
        return Availability(
            allowed=_highest(versions, rules.get(name, SpecifierSet()), fits),
            newest=_highest(versions, SpecifierSet(), lambda _files: True),
        )

    with ThreadPoolExecutor(THREADS) as pool:
        return dict(zip(names, pool.map(look_up, names), strict=True))


def _specifiers(request: Request) -> dict[str, SpecifierSet]:
    """Return the allowed versions of each package: requirements, constraints and overrides."""
    found: dict[str, SpecifierSet] = {}
    for text in (text for group in request.groups for text in group.requirements):
        requirement = Requirement(text)
        name = canonicalize_name(requirement.name)
        found[name] = found.get(name, SpecifierSet()) & requirement.specifier
    for text in request.pip.overrides:
        requirement = Requirement(text)
        found[canonicalize_name(requirement.name)] = requirement.specifier
    limits = constraints.specifiers(constraints.applicable(request))
    return found | {name: found.get(name, SpecifierSet()) & limits[name] for name in limits}


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
