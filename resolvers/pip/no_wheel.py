"""The versions that a target cannot install, from an index proxy that hides sdists.

An error if no required version can be installed, and a warning if a newer one cannot.
"""

from collections.abc import Iterator, Mapping

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from resolvers.errors import ExpectedError
from resolvers.index.index_file import IndexFile, version_of
from resolvers.pip import wheels
from resolvers.pip.explain import names_in
from resolvers.pip.index_proxy import IndexProxy
from resolvers.pip.missing_files import missing_files
from resolvers.types.packages import Artifact, Package
from resolvers.types.request import LockWarning, Request, Target


def without_wheel(
    request: Request, explanation: str, proxy: IndexProxy, allowed_sdists: frozenset[str]
) -> ExpectedError | None:
    """Return the error for the packages in an engine's explanation that the target cannot install.

    The request has one target. Returns None if each package has a version with a file.
    """
    (target,) = request.targets
    names = names_in(explanation) & proxy.hidden.keys()
    packages = [
        package for name in sorted(names) if (package := _newest(request, name, proxy, target))
    ]
    return missing_files(packages, target, allowed_sdists) if packages else None


def warnings(
    request: Request, versions: Mapping[str, str], proxy: IndexProxy
) -> Iterator[LockWarning]:
    """Yield a warning for each locked package whose newest version has no file for the target.

    Leaves out packages that are locked in an older version for another reason, such as a pin.
    """
    (target,) = request.targets
    for name in sorted(versions.keys() & proxy.hidden.keys()):
        required = _required(request, name, proxy)
        stable = {version: files for version, files in required.items() if _is_stable(version)}
        fitting = [each for each in stable if wheels.best_wheel(stable[each], target)]
        newest = max(stable, default=None)
        if newest not in fitting and fitting and Version(versions[name]) == max(fitting):
            yield LockWarning(
                name,
                f"version {newest} has no wheel for {target.platform}, "
                f"so {versions[name]} is locked",
                f'to compile it from its sdist, write pip-sdist = ["{name}"]',
            )


def _is_stable(version: Version) -> bool:
    return not version.is_prerelease


def _newest(request: Request, name: str, proxy: IndexProxy, target: Target) -> Package | None:
    """Return the newest version that is required; None if the target can install one of them."""
    required = _required(request, name, proxy)
    if not required or any(wheels.best_wheel(files, target) for files in required.values()):
        return None
    newest = max(required)
    return Package(manager="pip", name=name, version=str(newest), artifacts=tuple(required[newest]))


def _required(request: Request, name: str, proxy: IndexProxy) -> dict[Version, list[Artifact]]:
    """Map the versions that the request's own requirements allow to their files on the index."""
    artifacts: dict[Version, list[Artifact]] = {}
    for file in (*proxy.files(name).values(), *proxy.hidden[name]):
        version = version_of(file.name)
        if version and file.yanked is None:
            artifacts.setdefault(version, []).append(_artifact(name, file))
    return {version: artifacts[version] for version in _specifier(request, name).filter(artifacts)}


def _artifact(name: str, file: IndexFile) -> Artifact:
    """Return a file with its name alone, because the error needs no more."""
    return Artifact(file=file.name, hash="", source=f"{name}/{file.name}")


def _specifier(request: Request, name: str) -> SpecifierSet:
    specifier = SpecifierSet()
    for each in _requirements(request):
        if canonicalize_name(each.name) == name:
            specifier &= each.specifier
    return specifier


def _requirements(request: Request) -> Iterator[Requirement]:
    for group in request.groups:
        yield from map(Requirement, group.requirements)
