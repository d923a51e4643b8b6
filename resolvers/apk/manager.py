"""The interface to apk: lock, read, select, and the state of a base image."""

from collections.abc import Callable, Mapping
from pathlib import Path

from resolvers.apk import base, lock_file
from resolvers.apk.apk_file import read_packages_of
from resolvers.apk.base import AlpineBase
from resolvers.apk.build_lock import build_lock
from resolvers.apk.lock_file import FILE, ApkLock, parse
from resolvers.apk.requirement import bare_name, parse_requirement, upstream_version, without_tag
from resolvers.apk.solve import ApkPins, ApkSolution, cache_folder, solve
from resolvers.distro import python
from resolvers.distro.package_files import versions_of
from resolvers.distro.packages import locked_platform, read_packages, select_pins
from resolvers.distro.pins import (
    NoSolutionError,
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

SolveWithPins = Callable[[Mapping[str, str]], ApkSolution]
"""Solves with the given versions by name."""

SYNTAX = Syntax(
    manager="apk",
    parse=parse_requirement,
    hint="write the name of a package, name@tag, name=version, name~version, name>version, …",
)


def resolve(request: Request) -> LockFiles:
    """Resolve with the base image's apk, all platforms at the same time.

    Return ``{}`` if there are no requirements. Pins of the previous lock are kept while the index
    has them. Added packages are fetched, verified and hashed. An UnsolvableError quotes apk.
    """
    with_packages = {file.group for file in request.system.packages}
    groups = tuple(
        group for group in request.groups if group.requirements or group.name in with_packages
    )
    if not groups:
        return {}
    exact = exact_versions(groups, SYNTAX)
    report_as_of(request, "apk")
    warn_about_repositories(request)
    previous = _previous(request)

    def solve_platform(platform: str) -> ApkSolution:
        before = locked_versions(previous.package, platform) if previous else {}
        return _solve_platform(request, platform, groups, exact, before)

    return lock_file.write(build_lock(groups, solve_platforms(request, solve_platform)))


def read(files: LockFiles) -> tuple[Package, ...]:
    """Return one package per name and version, with one artifact per architecture."""
    return read_packages("apk", parse(files).package)


def select(files: LockFiles, target: Target, groups: tuple[str, ...]) -> tuple[Pin, ...]:
    """Return the packages that the groups add to the base image on the target, sorted by name."""
    lock = parse(files)
    locked_platform(lock.platforms, target, file=FILE)
    return select_pins(lock.package, target.platform, groups)


def world(files: LockFiles, target: Target, groups: tuple[str, ...]) -> str:
    """Return the text of /etc/apk/world after the groups are installed.

    ``groups`` are a stage and its parents. The file has the lines of the base image and the
    requirements of the groups. A stage must write it because apk adds the checksums of packages
    that it installs from files. It has no tags, because the image does not have the repositories.
    """
    lock = parse(files)
    lines = set(locked_platform(lock.platforms, target, file=FILE).world)
    for group in groups:
        if group in lock.groups:
            lines.update(map(without_tag, lock.groups[group].requirements))
    lines.update(
        package.name
        for package in lock.package
        if package.url and not set(groups).isdisjoint(package.groups)
    )
    # apk keeps one line per name: a version constraint replaces the name alone.
    for line in tuple(lines):
        name = bare_name(line)
        if name != line:
            lines.discard(name)
    by_name = sorted(lines, key=lambda line: (bare_name(line), line))
    return "".join(f"{line}\n" for line in by_name)


def python_version(files: LockFiles, groups: tuple[str, ...]) -> str:
    """Return the version of the first Python on PATH after the groups are installed.

    Return an empty string if there is no Python.
    """
    lock = parse(files)
    versions = set()
    for package in lock.package:
        if package.name == "python3" and not set(groups).isdisjoint(package.groups):
            versions.add(upstream_version(package.version))
    return python.first_version(lock.platforms.values(), versions)


def has_python(files: LockFiles, target: Target, groups: tuple[str, ...]) -> bool:
    """Return whether the base image or the groups provide a Python for pip's packages."""
    names = {pin.name for pin in select(files, target, groups)}
    return python.is_available(parse(files).platforms[target.platform], names)


def musl_versions(files: LockFiles) -> dict[str, str]:
    """Return the base image's musl by platform: ``{"linux/amd64": "1.2.5"}``."""
    return {name: platform.musl for name, platform in parse(files).platforms.items()}


def solver_version(files: LockFiles) -> str:
    """Return the version of the apk that resolved, the newest one of all platforms."""
    return max(platform.apk for platform in parse(files).platforms.values())


def inspect_base(shell: Shell, platform: str) -> AlpineBase:
    """Return what the base image contains, without resolving anything."""
    return base.inspect_base(shell, platform)


def mirrors(shell: Shell, platform: str) -> tuple[str, ...]:
    """Return the addresses of the base image's mirrors, which sources of artifacts follow."""
    return inspect_base(shell, platform).mirrors


def cached_packages(platform: str) -> dict[str, Path]:
    """Return the package files that resolving left on this machine, by ``sha256:<hex>``."""
    files = {}
    for sums in sorted(Path(cache_folder(platform)).glob("*/sums")):
        for line in sums.read_text(encoding="utf-8").splitlines():
            sha256, _, name = line.split()
            files[f"sha256:{sha256}"] = sums.parent / name
    # A user may have deleted files of the cache.
    return {digest: path for digest, path in files.items() if path.exists()}


def _previous(request: Request) -> ApkLock | None:
    return parse(request.previous) if FILE in request.previous else None


def _solve_platform(
    request: Request,
    platform: str,
    groups: tuple[Group, ...],
    exact: Mapping[str, str],
    before: Mapping[str, str],
) -> ApkSolution:
    """Solve for one platform; drop pins of the previous lock that prevent a solution."""
    files = read_packages_of(request, platform)
    own = versions_of(files, "apk")
    before = {name: version for name, version in before.items() if name not in own}
    kept, upgraded = _previous_pins(request, before)
    # A version in images.toml wins over one of the command line.
    fixed = {**upgraded, **exact, **own}

    def solve_with(pins: Mapping[str, str]) -> ApkSolution:
        versions = ApkPins(versions=pins, exact=frozenset(fixed))
        return solve(request.system, platform, groups, versions, files)

    solution = solve_keeping_pins(lambda pins: _agree(solve_with, {**pins, **fixed}), kept)
    after = {record.name: record.version for record in solution.records.values()}
    check_upgrades("apk", request, platform, before, after)
    report_changed_pins(request, platform, before, after)
    return solution


def _previous_pins(
    request: Request, before: Mapping[str, str]
) -> tuple[dict[str, str], dict[str, str]]:
    """Return the pins that may not change, and the versions that the upgrade requests."""
    upgrade = request.upgrade
    if upgrade.everything:
        return {}, {}
    kept = {name: pin for name, pin in before.items() if name not in upgrade.packages}
    upgraded = {name: pin for name, pin in upgrade.packages.items() if pin and name in before}
    return kept, upgraded


def _agree(solve_with: SolveWithPins, pins: Mapping[str, str]) -> ApkSolution:
    """Return a solution in which all groups have the same version of each package.

    If groups have different versions of a package, each of the versions is tried for all groups.
    """
    solution = solve_with(pins)
    versions: dict[str, set[str]] = {}
    for packages in solution.groups.values():
        for name, version in packages:
            versions.setdefault(name, set()).add(version)
    conflicts = [name for name, different in versions.items() if len(different) > 1]
    if not conflicts:
        return solution
    # One package at a time: its version often settles the packages that come with it.
    name = min(conflicts)
    *others, last = sorted(versions[name])
    for version in others:
        try:
            return _agree(solve_with, {**pins, name: version})
        except NoSolutionError:
            continue
    return _agree(solve_with, {**pins, name: last})
