"""apk: solved by apk itself inside the pinned base image; the lock file is Orbiter's own, for none exists."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from resolvers.apk.lock_file import (
    FILE,
    FORMAT,
    ApkLock,
    LockedGroup,
    LockedPackage,
    LockedPlatform,
    parse,
    write,
)
from resolvers.apk.requirement import REQUIREMENT
from resolvers.apk.solve import (
    AlpineBase,
    Apk,
    ApkError,
    Solution,
    bare,
    base_facts,
    cache_folder,
    solve,
    upstream,
)
from resolvers.distro import python
from resolvers.errors import ExpectedError, UnsolvableError
from resolvers.types import (
    NOTE,
    Artifact,
    Group,
    LockFiles,
    Package,
    Pin,
    Request,
    Shell,
    Target,
    sorted_union,
)

SHOWN = 5
"""How many moved pins one line of progress names."""

Solve = Callable[[Mapping[str, str]], Solution]
"""Solves with these pins: name to version."""


def resolve(request: Request) -> LockFiles:
    """Solve with the base image's apk, all platforms side by side; ``{}`` when nothing is asked.

    Pins of the previous lock are kept where the index still has them. What is added is fetched, checked and hashed.
    UnsolvableError quotes apk.
    """
    groups = tuple(group for group in request.groups if group.requirements)
    if not groups:
        return {}
    asked = _asked(groups)
    if request.as_of:
        request.progress(f"{NOTE}as-of does not apply to apk: a mirror has the present index only")
    previous = parse(request.previous) if FILE in request.previous else None
    with ThreadPoolExecutor(max_workers=len(request.targets)) as pool:
        platforms = [target.platform for target in request.targets]
        solutions = pool.map(
            lambda platform: _solve(request, platform, groups, asked, previous), platforms
        )
        return {FILE: write(_lock(groups, dict(zip(platforms, solutions, strict=True))))}


def read(files: LockFiles) -> tuple[Package, ...]:
    """Read apk.lock: one package per name and version, with one artifact an architecture."""
    entries: dict[tuple[str, str], list[LockedPackage]] = {}
    for package in parse(files).package:
        entries.setdefault((package.name, package.version), []).append(package)
    return tuple(
        Package(
            manager="apk",
            name=name,
            version=version,
            platforms=sorted_union(each.platforms for each in same),
            groups=sorted_union(each.groups for each in same),
            requires=sorted_union(each.requires for each in same),
            artifacts=tuple(sorted({_artifact(each) for each in same})),
        )
        for (name, version), same in sorted(entries.items())
    )


def select(files: LockFiles, target: Target, groups: tuple[str, ...]) -> tuple[Pin, ...]:
    """What the groups add to the base image on the target's platform, sorted by name."""
    _platform(files, target)
    return tuple(
        sorted(
            Pin(name=package.name, version=package.version, artifact=_artifact(package))
            for package in parse(files).package
            if target.platform in package.platforms and not set(groups).isdisjoint(package.groups)
        )
    )


def world(files: LockFiles, target: Target, groups: tuple[str, ...]) -> str:
    """The text of /etc/apk/world once the groups are installed: the base image's own lines and what the groups ask.

    ``groups`` are a stage's own and all that it stands on. Installing package files writes their checksums there,
    so a stage puts this in place.
    """
    lock = parse(files)
    asked = {
        line for name in groups if name in lock.groups for line in lock.groups[name].requirements
    }
    lines = {*_platform(files, target).world, *asked}
    narrowed = {bare(line) for line in lines if bare(line) != line}
    return "".join(
        f"{line}\n" for line in sorted(lines - narrowed, key=lambda line: (bare(line), line))
    )


def python_version(files: LockFiles, groups: tuple[str, ...]) -> str:
    """The exact Python that comes first on PATH where these groups are, ``""`` for none."""
    lock = parse(files)
    found = [package for package in lock.package if package.name == "python3"]
    versions = {
        upstream(package.version) for package in found if not set(groups).isdisjoint(package.groups)
    }
    return python.version(lock.platforms.values(), versions)


def has_python(files: LockFiles, target: Target, groups: tuple[str, ...]) -> bool:
    """Whether the base image or these groups have a Python for packages of pip."""
    names = {pin.name for pin in select(files, target, groups)}
    return bool(parse(files).platforms[target.platform].python) or not python.PACKAGES.isdisjoint(
        names
    )


def musl_versions(files: LockFiles) -> dict[str, str]:
    """The base image's musl by platform: ``{"linux/amd64": "1.2.5"}``."""
    return {platform: each.musl for platform, each in parse(files).platforms.items()}


def solver_version(files: LockFiles) -> str:
    """The version of apk that solved."""
    return max(each.apk for each in parse(files).platforms.values())


def inspect_base(shell: Shell, platform: str) -> AlpineBase:
    """What the base image is, without solving anything: one short start of a container."""
    return base_facts(shell, platform)


def mirrors(shell: Shell, platform: str) -> tuple[str, ...]:
    """Addresses of the base image's package repositories; artifacts lie below them."""
    return base_facts(shell, platform).mirrors


def cached_packages(platform: str) -> dict[str, Path]:
    """The package files that solving for the platform has left on this machine, by ``sha256:<hex>``."""
    found = {}
    for sums in sorted(Path(cache_folder(platform)).glob("*/sums")):
        for line in sums.read_text().splitlines():
            sha256, _, file = line.split()
            found[f"sha256:{sha256}"] = sums.parent / file
    return {key: path for key, path in found.items() if path.exists()}


def _platform(files: LockFiles, target: Target) -> LockedPlatform:
    platforms = parse(files).platforms
    if target.platform not in platforms:
        raise ExpectedError(
            f"{FILE} is not locked for {target.platform}", "lock for this platform: orbiter lock"
        )
    return platforms[target.platform]


def _asked(groups: tuple[Group, ...]) -> dict[str, str]:
    """The exact versions that requirements name; refuses what names no package."""
    asked: dict[str, tuple[str, str]] = {}
    for group in groups:
        for requirement in group.requirements:
            match = REQUIREMENT.fullmatch(requirement)
            if match is None:
                raise ExpectedError(
                    f"apk: '{requirement}' of group '{group.name}' is no requirement",
                    "write a package's name, or name=version, name~version, name>version, …",
                )
            if match["relation"] != "=":
                continue
            name, wanted = match["name"], match["version"]
            first, where = asked.setdefault(name, (wanted, group.name))
            if first != wanted:
                raise ExpectedError(
                    f"apk: group '{where}' asks for {name}={first}, group '{group.name}' for {name}={wanted}",
                    "all stages of a builder share one version of a package",
                )
    return {name: wanted for name, (wanted, _) in asked.items()}


def _solve(
    request: Request,
    platform: str,
    groups: tuple[Group, ...],
    asked: Mapping[str, str],
    previous: ApkLock | None,
) -> Solution:
    """Solve for one platform; pins of the previous lock that stand in the way are given up."""
    shell = request.system.shell
    assert shell
    kept, wanted = _kept(request, platform, previous) if previous else ({}, {})
    fixed = {**wanted, **asked}
    while True:
        try:
            solution = _agreed(
                lambda pins: solve(shell, platform, groups, pins, frozenset(fixed)), kept | fixed
            )
        except ApkError as error:
            if not kept:
                raise
            blamed = error.pins & kept.keys()
            kept = {name: pin for name, pin in kept.items() if blamed and name not in blamed}
            continue
        if previous:
            _tell(request, platform, previous, solution)
        return solution


def _agreed(solve_with: Solve, pins: Mapping[str, str]) -> Solution:
    """A solution in which no package has two versions: where stages differ, one's version is tried for all."""
    solution = solve_with(pins)
    versions: dict[str, set[str]] = {}
    for each in solution.groups.values():
        for name, found in each.items():
            versions.setdefault(name, set()).add(found)
    clash = next((name for name in sorted(versions) if len(versions[name]) > 1), "")
    if not clash:
        return solution
    for found in sorted(versions[clash])[:-1]:
        try:
            return _agreed(solve_with, {**pins, clash: found})
        except ApkError:
            continue
    return _agreed(solve_with, {**pins, clash: max(versions[clash])})


def _kept(
    request: Request, platform: str, previous: ApkLock
) -> tuple[dict[str, str], dict[str, str]]:
    """Pins of what may not move, and of the versions that an upgrade asks for."""
    if request.upgrade.everything:
        return {}, {}
    named = request.upgrade.packages
    before = {each.name: each.version for each in previous.package if platform in each.platforms}
    kept = {name: pin for name, pin in before.items() if name not in named}
    return kept, {name: wanted for name, wanted in named.items() if wanted and name in before}


def _tell(request: Request, platform: str, previous: ApkLock, solution: Solution) -> None:
    """Check versions that were asked for by upgrade, and say which pins could not be kept."""
    found = {apk.name: apk.version for apk in solution.apks.values()}
    before = {each.name: each.version for each in previous.package if platform in each.platforms}
    for name, wanted in request.upgrade.packages.items():
        if wanted and name in before and found.get(name) != wanted:
            raise UnsolvableError(
                f"apk cannot install {name}={wanted} on {platform}: it found {found.get(name, 'none')}",
                "name a version that the index still has, or none for the newest",
            )
    free = request.upgrade.packages.keys() | (
        before.keys() if request.upgrade.everything else set()
    )
    moved = [n for n in sorted(before) if n not in free and found.get(n, before[n]) != before[n]]
    if moved:
        shown = ", ".join(f"{name} {before[name]} -> {found[name]}" for name in moved[:SHOWN])
        more = f" and {len(moved) - SHOWN} more" if len(moved) > SHOWN else ""
        request.progress(f"{NOTE}pins that the index of {platform} no longer allows: {shown}{more}")


def _lock(groups: tuple[Group, ...], solutions: Mapping[str, Solution]) -> ApkLock:
    merged: dict[LockedPackage, list[str]] = {}
    for platform, solution in solutions.items():
        for package in _packages(groups, solution):
            merged.setdefault(package, []).append(platform)
    return ApkLock(
        format=FORMAT,
        platforms={
            platform: LockedPlatform(
                apk=each.facts.apk,
                musl=each.facts.musl,
                python=each.facts.python,
                interpreter=each.facts.interpreter,
                world=each.facts.world,
            )
            for platform, each in solutions.items()
        },
        groups={
            group.name: LockedGroup(requirements=tuple(sorted(set(group.requirements))))
            for group in groups
        },
        package=tuple(
            sorted(
                msgspec.structs.replace(package, platforms=tuple(sorted(platforms)))
                for package, platforms in merged.items()
            )
        ),
    )


def _packages(groups: tuple[Group, ...], solution: Solution) -> list[LockedPackage]:
    """All packages of one platform, their platforms left open."""
    adding: dict[tuple[str, str], list[str]] = {key: [] for key in solution.apks}
    for group in groups:
        inherited = {
            key for parent in group.parents for key in solution.groups.get(parent, {}).items()
        }
        for key in solution.groups[group.name].items() - inherited:
            adding[key].append(group.name)
    providers: dict[str, str] = {}
    for apk in sorted(solution.apks.values(), key=lambda apk: apk.name):
        for name in apk.provides:
            providers.setdefault(name, apk.name)
    providers |= {apk.name: apk.name for apk in solution.apks.values()}
    return [
        _package(apk, tuple(sorted(adding[key])), providers) for key, apk in solution.apks.items()
    ]


def _package(apk: Apk, groups: tuple[str, ...], providers: Mapping[str, str]) -> LockedPackage:
    """One entry; what the base image itself meets is left out of ``requires``."""
    return LockedPackage(
        name=apk.name,
        version=apk.version,
        architecture=apk.architecture,
        platforms=(),
        groups=groups,
        file=apk.file,
        size=apk.size,
        checksum=apk.checksum,
        sha256=apk.sha256,
        origin=apk.origin,
        license=apk.license,
        requires=tuple(
            sorted({providers[name] for name in apk.depends if name in providers} - {apk.name})
        ),
    )


def _artifact(package: LockedPackage) -> Artifact:
    return Artifact(
        file=package.file.rpartition("/")[2],
        hash=f"sha256:{package.sha256}",
        size=package.size,
        source=package.file,
    )
