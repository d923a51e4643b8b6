"""The interface to apt: lock, read, select, and the state of a base image."""

import re
from collections.abc import Mapping

from resolvers.apt import base, lock_file
from resolvers.apt.base import DebianBase
from resolvers.apt.build_lock import build_lock
from resolvers.apt.deb_file import read_packages_of
from resolvers.apt.lock_file import FILE, AptLock, parse
from resolvers.apt.requirement import (
    PATTERN,
    has_suite,
    is_allowed,
    package_of,
    parse_requirement,
    upstream_version,
)
from resolvers.apt.solve import INSTALLED, VERSION, AptSolution, solve
from resolvers.distro import python
from resolvers.distro.package_files import versions_of
from resolvers.distro.packages import locked_platform, read_packages, select_pins
from resolvers.distro.pins import (
    check_upgrades,
    locked_versions,
    report_changed_pins,
    solve_keeping_pins,
)
from resolvers.distro.requirements import Syntax, exact_versions
from resolvers.distro.solution import report_as_of, solve_platforms, warn_about_repositories
from resolvers.types.options import Shell
from resolvers.types.packages import LockFiles, Package, Pin
from resolvers.types.request import Group, Request, Target

SYNTAX = Syntax(
    manager="apt",
    parse=parse_requirement,
    hint="write the name of a package, name=version, name=1.2.* or name/suite",
)
PYTHON = re.compile(r"python3\.\d+(-minimal)?")


def resolve(request: Request) -> LockFiles:
    """Resolve with the base image's apt, all platforms at the same time.

    Return ``{}`` if there are no requirements. Pins of the previous lock are kept while the index
    has them. An UnsolvableError quotes apt.
    """
    with_files = {file.group for file in request.system.packages}
    groups = tuple(
        group for group in request.groups if group.requirements or group.name in with_files
    )
    if not groups:
        return {}
    exact = exact_versions(groups, SYNTAX)
    report_as_of(request, "apt")
    warn_about_repositories(request)
    previous = _previous(request)

    def solve_platform(platform: str) -> AptSolution:
        return _solve_platform(request, platform, groups, exact, previous)

    solutions = solve_platforms(request, solve_platform)
    return lock_file.write(build_lock(groups, solutions, request.system.suite))


def read(files: LockFiles) -> tuple[Package, ...]:
    """Return one package per name and version, with one artifact per architecture."""
    return read_packages("apt", parse(files).package)


def select(files: LockFiles, target: Target, groups: tuple[str, ...]) -> tuple[Pin, ...]:
    """Return the packages that the groups add to the base image on the target, sorted by name."""
    lock = parse(files)
    locked_platform(lock.platforms, target, file=FILE)
    return select_pins(lock.package, target.platform, groups)


def python_version(files: LockFiles, groups: tuple[str, ...]) -> str:
    """Return the version of the first Python on PATH after the groups are installed.

    Return an empty string if there is no Python. If several are locked, the one that the package
    python3 needs counts, otherwise the newest.
    """
    lock = parse(files)
    installed = [package for package in lock.package if not set(groups).isdisjoint(package.groups)]
    defaults = set[str]()
    for package in installed:
        if package.name == "python3":
            defaults.update(package.requires)
    pythons = [package for package in installed if PYTHON.fullmatch(package.name)]
    # Debian may have several, such as python3.12 and python3.13; python3 links to one of them.
    default_pythons = [package for package in pythons if package.name in defaults]
    versions = {upstream_version(package.version) for package in default_pythons or pythons}
    return python.first_version(lock.platforms.values(), versions)


def has_python(files: LockFiles, target: Target, groups: tuple[str, ...]) -> bool:
    """Return whether the base image or the groups provide a Python for pip's packages."""
    names = {pin.name for pin in select(files, target, groups)}
    return python.is_available(parse(files).platforms[target.platform], names)


def glibc_versions(files: LockFiles) -> dict[str, str]:
    """Return the base image's glibc by platform: ``{"linux/amd64": "2.41"}``."""
    return {name: platform.glibc for name, platform in parse(files).platforms.items()}


def solver_version(files: LockFiles) -> str:
    """Return the version of the apt that resolved, the newest one of all platforms."""
    return max(platform.apt for platform in parse(files).platforms.values())


def inspect_base(shell: Shell, platform: str) -> DebianBase:
    """Return what the base image contains, without resolving anything."""
    return base.inspect_base(shell, platform)


def mirrors(shell: Shell, platform: str) -> tuple[str, ...]:
    """Return the addresses of the base image's mirrors, which sources of artifacts follow."""
    return inspect_base(shell, platform).mirrors


def _previous(request: Request) -> AptLock | None:
    return parse(request.previous) if FILE in request.previous else None


def _solve_platform(
    request: Request,
    platform: str,
    groups: tuple[Group, ...],
    exact: Mapping[str, str],
    previous: AptLock | None,
) -> AptSolution:
    """Solve for one platform; drop pins of the previous lock that prevent a solution."""
    debs = read_packages_of(request, platform)
    own = versions_of(debs, "apt")

    def solve_with(pins: Mapping[str, str]) -> AptSolution:
        required = _with_required_versions(pins, {**exact, **own})
        return solve(request.system, platform, groups, required, debs)

    if previous is None:
        return solve_with({})
    locked = locked_versions(previous.package, platform)
    before = {name: version for name, version in locked.items() if name not in own}
    solution = solve_keeping_pins(solve_with, _previous_pins(request, previous, before))
    after = {record.name: record.version for record in solution.records.values()}
    check_upgrades("apt", request, platform, before, after)
    report_changed_pins(request, platform, before, after)
    return solution


def _changed_suites(groups: tuple[Group, ...], previous: AptLock) -> set[str]:
    """Return the packages that come from a suite now, but did not before, or the reverse."""
    now = {text for group in groups for text in group.requirements if has_suite(text)}
    then = {
        text for group in previous.groups.values() for text in group.requirements if has_suite(text)
    }
    return set(map(package_of, now ^ then))


def _with_required_versions(pins: Mapping[str, str], required: Mapping[str, str]) -> dict[str, str]:
    """Return the pins, with the versions of requirements for those that they do not allow."""
    merged = dict(pins)
    for name, version in required.items():
        if not is_allowed(pins.get(name, "").removeprefix(VERSION), version):
            merged[name] = f"{VERSION}{version}"
    return merged


def _previous_pins(
    request: Request, previous: AptLock, before: Mapping[str, str]
) -> dict[str, str]:
    """Return the pins that may not change, and the versions that the upgrade requests.

    Requirements without a locked package were met by the base image; its package stays.
    """
    if request.upgrade.everything:
        return {}
    pins: dict[str, str] = {}
    for group in previous.groups.values():
        for requirement in group.requirements:
            if not PATTERN.fullmatch(requirement):
                pins[package_of(requirement)] = INSTALLED
    pins |= {name: f"{VERSION}{version}" for name, version in before.items()}
    for name in _changed_suites(request.groups, previous):
        pins.pop(name, None)
    # Without a pin there is nothing to upgrade.
    for name, version in request.upgrade.packages.items():
        if pins.pop(name, None) and version:
            pins[name] = f"{VERSION}{version}"
    return pins
