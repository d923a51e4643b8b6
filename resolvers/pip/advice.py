"""Warnings about pip's lock: yanked releases, unknown extras, several versions of a package."""

from collections.abc import Callable, Iterable, Iterator

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from resolvers.pip import extras, wheels
from resolvers.pip.locked_files import LockedFile
from resolvers.types.packages import Package
from resolvers.types.request import LockWarning, Request, Target


def warnings(
    request: Request,
    files: tuple[LockedFile, ...],
    packages_for: Callable[[Target], tuple[Package, ...]],
) -> Iterator[LockWarning]:
    """Yield the warnings about a lock; ``packages_for`` returns its packages for a target."""
    yield from _yanked(files)
    yield from extras.warnings(request, files)
    yield from _several_versions(request, packages_for)


def _yanked(files: Iterable[LockedFile]) -> Iterator[LockWarning]:
    for pin, file in files:
        if file.yanked is not None:
            reason = f": {file.yanked}" if file.yanked else ""
            text = f"version {pin.version} was yanked from the index{reason}"
            yield LockWarning(pin.name, text, "require another version")


def _several_versions(
    request: Request, packages_for: Callable[[Target], tuple[Package, ...]]
) -> Iterator[LockWarning]:
    """Yield a warning for each package with another version on another platform.

    A requirement with a marker in images.toml asks for that, and needs no explanation.
    """
    expected = set()
    for group in request.groups:
        for requirement in map(Requirement, group.requirements):
            if requirement.marker:
                expected.add(canonicalize_name(requirement.name))
    by_name: dict[str, dict[Target, Package]] = {}
    for target in request.targets:
        for package in packages_for(target):
            by_name.setdefault(package.name, {})[target] = package
    for name, by_target in sorted(by_name.items()):
        versions = {package.version for package in by_target.values()}
        if len(versions) > 1 and name not in expected:
            yield _different_versions(name, by_target)


def _different_versions(name: str, by_target: dict[Target, Package]) -> LockWarning:
    listed = ", ".join(
        f"{package.version} for {target.platform}" for target, package in by_target.items()
    )
    reasons = sorted(set(_missing_wheels(by_target)))
    reason = "; ".join(reasons) or "packages that require it differ by platform"
    hint = f"to have one version everywhere, require it: {name}==VERSION"
    return LockWarning(name, f"locked in several versions ({listed}): {reason}", hint)


def _missing_wheels(by_target: dict[Target, Package]) -> Iterator[str]:
    """Yield a text for each version that has no wheel for another platform."""
    for package in by_target.values():
        for target, chosen in by_target.items():
            is_other = chosen.version != package.version
            if is_other and wheels.best_wheel(package.artifacts, target) is None:
                yield f"{package.version} has no wheel for {target.platform}"
