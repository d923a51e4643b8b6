"""apt: solved by apt itself inside the pinned base image; the lock file is Orbiter's own, for none exists."""

import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import msgspec

from resolvers.apt.lock_file import (
    FILE,
    FORMAT,
    AptLock,
    LockedGroup,
    LockedPackage,
    LockedPlatform,
    parse,
    write,
)
from resolvers.apt.solve import (
    INSTALLED,
    AptError,
    Deb,
    DebianBase,
    Solution,
    base_facts,
    solve,
    tokens,
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

REQUIREMENT = re.compile(
    r"(?P<name>[a-z0-9][a-z0-9+.-]*[a-z0-9+.](:[a-z0-9-]+)?)(=(?P<version>[A-Za-z0-9.+~:-]+))?"
)
SHOWN = 5
"""How many moved pins one line of progress names."""

PATTERN = re.compile(r"\?[a-z-]+(\([a-z]+\))?")
"""What only a base asks for, such as ``?essential``: see apt-patterns(7)."""

PYTHON = re.compile(r"python3\.\d+(-minimal)?")


def resolve(request: Request) -> LockFiles:
    """Solve with the base image's apt, all platforms side by side; ``{}`` when nothing is asked.

    Pins of the previous lock are kept where the index still has them. UnsolvableError quotes apt.
    """
    groups = tuple(group for group in request.groups if group.requirements)
    if not groups:
        return {}
    asked = _asked(groups)
    if request.as_of:
        request.progress(f"{NOTE}as-of does not apply to apt: a mirror has the present index only")
    previous = parse(request.previous) if FILE in request.previous else None
    with ThreadPoolExecutor(max_workers=len(request.targets)) as pool:
        platforms = [target.platform for target in request.targets]
        solutions = pool.map(
            lambda platform: _solve(request, platform, groups, asked, previous), platforms
        )
        return {
            FILE: write(
                _lock(groups, dict(zip(platforms, solutions, strict=True)), request.system.suite)
            )
        }


def read(files: LockFiles) -> tuple[Package, ...]:
    """Read apt.lock: one package per name and version, with one artifact an architecture."""
    entries: dict[tuple[str, str], list[LockedPackage]] = {}
    for package in parse(files).package:
        entries.setdefault((package.name, package.version), []).append(package)
    return tuple(
        Package(
            manager="apt",
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
    lock = parse(files)
    if target.platform not in lock.platforms:
        raise ExpectedError(
            f"{FILE} is not locked for {target.platform}", "lock for this platform: orbiter lock"
        )
    return tuple(
        sorted(
            Pin(name=package.name, version=package.version, artifact=_artifact(package))
            for package in lock.package
            if target.platform in package.platforms and not set(groups).isdisjoint(package.groups)
        )
    )


def python_version(files: LockFiles, groups: tuple[str, ...]) -> str:
    """The exact Python that comes first on PATH where these groups are, ``""`` for none.

    Where several are locked, the one that the package python3 needs, else the newest.
    """
    lock = parse(files)
    packages = [package for package in lock.package if not set(groups).isdisjoint(package.groups)]
    default = {
        need for package in packages if package.name == "python3" for need in package.requires
    }
    found = [package for package in packages if PYTHON.fullmatch(package.name)]
    found = [package for package in found if package.name in default] or found
    return python.version(lock.platforms.values(), {upstream(package.version) for package in found})


def has_python(files: LockFiles, target: Target, groups: tuple[str, ...]) -> bool:
    """Whether the base image or these groups have a Python for packages of pip."""
    names = {pin.name for pin in select(files, target, groups)}
    return bool(parse(files).platforms[target.platform].python) or not python.PACKAGES.isdisjoint(
        names
    )


def glibc_versions(files: LockFiles) -> dict[str, str]:
    """The base image's glibc by platform: ``{"linux/amd64": "2.41"}``."""
    return {platform: each.glibc for platform, each in parse(files).platforms.items()}


def solver_version(files: LockFiles) -> str:
    """The version of apt that solved."""
    return max(each.apt for each in parse(files).platforms.values())


def inspect_base(shell: Shell, platform: str) -> DebianBase:
    """What the base image is, without solving anything: one short start of a container."""
    return base_facts(shell, platform)


def mirrors(shell: Shell, platform: str) -> tuple[str, ...]:
    """Addresses of the base image's package repositories; artifacts lie below them."""
    return base_facts(shell, platform).mirrors


def _asked(groups: tuple[Group, ...]) -> dict[str, str]:
    """The exact versions that requirements name; refuses what names no package."""
    asked: dict[str, tuple[str, str]] = {}
    for group in groups:
        for requirement in group.requirements:
            if PATTERN.fullmatch(requirement):
                continue
            match = REQUIREMENT.fullmatch(requirement)
            if match is None:
                raise ExpectedError(
                    f"apt: '{requirement}' of group '{group.name}' is no requirement",
                    "write a package's name, or name=version",
                )
            name, wanted = match["name"], match["version"]
            first, where = asked.setdefault(name, (wanted, group.name)) if wanted else ("", "")
            if wanted and first != wanted:
                raise ExpectedError(
                    f"apt: group '{where}' asks for {name}={first}, group '{group.name}' for {name}={wanted}",
                    "all stages of a builder share one version of a package",
                )
    return {name: wanted for name, (wanted, _) in asked.items()}


def _solve(
    request: Request,
    platform: str,
    groups: tuple[Group, ...],
    asked: Mapping[str, str],
    previous: AptLock | None,
) -> Solution:
    """Solve for one platform; pins of the previous lock that stand in the way are given up."""
    shell = request.system.shell
    assert shell
    fixed = {name: f"version {wanted}" for name, wanted in asked.items()}
    kept = _kept(request, platform, previous) if previous else {}
    while True:
        try:
            solution = solve(shell, platform, groups, kept | fixed, request.system.suite)
        except AptError as error:
            if not kept:
                raise
            blamed = tokens(error.words) & kept.keys()
            kept = {name: pin for name, pin in kept.items() if blamed and name not in blamed}
            continue
        if previous:
            _tell(request, platform, previous, solution)
        return solution


def _kept(request: Request, platform: str, previous: AptLock) -> dict[str, str]:
    """Pins of what may not move: locked packages, and requirements that the base image met without apt."""
    if request.upgrade.everything:
        return {}
    asked = {
        name.partition("=")[0] for group in previous.groups.values() for name in group.requirements
    }
    pins = dict.fromkeys((name for name in asked if not PATTERN.fullmatch(name)), INSTALLED)
    for package in previous.package:
        if platform in package.platforms:
            pins[package.name] = f"version {package.version}"
    for name, wanted in request.upgrade.packages.items():
        if pins.pop(name, None) and wanted:
            pins[name] = f"version {wanted}"
    return pins


def _tell(request: Request, platform: str, previous: AptLock, solution: Solution) -> None:
    """Check versions that were asked for by upgrade, and say which pins could not be kept."""
    found = {deb.name: deb.version for deb in solution.debs.values()}
    before = {each.name: each.version for each in previous.package if platform in each.platforms}
    for name, wanted in request.upgrade.packages.items():
        if wanted and name in before and found.get(name) != wanted:
            raise UnsolvableError(
                f"apt cannot install {name}={wanted} on {platform}: it found {found.get(name, 'none')}",
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


def _lock(groups: tuple[Group, ...], solutions: Mapping[str, Solution], suite: str) -> AptLock:
    merged: dict[LockedPackage, list[str]] = {}
    for platform, solution in solutions.items():
        for package in _packages(groups, solution):
            merged.setdefault(package, []).append(platform)
    return AptLock(
        format=FORMAT,
        platforms={
            platform: LockedPlatform(
                apt=each.facts.apt,
                glibc=each.facts.glibc,
                python=each.facts.python,
                interpreter=each.facts.interpreter,
                suite=suite,
                signers=each.facts.signers,
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
    adding: dict[str, list[str]] = {key: [] for key in solution.debs}
    for group in groups:
        parents = [solution.groups.get(parent, frozenset()) for parent in group.parents]
        for key in solution.groups[group.name].difference(*parents):
            adding[key].append(group.name)
    providers: dict[str, str] = {}
    for deb in sorted(solution.debs.values(), key=lambda deb: deb.name):
        for name in deb.provides:
            providers.setdefault(name, deb.name)
    providers |= {deb.name: deb.name for deb in solution.debs.values()}
    return [
        _package(deb, tuple(sorted(adding[key])), providers) for key, deb in solution.debs.items()
    ]


def _package(deb: Deb, groups: tuple[str, ...], providers: Mapping[str, str]) -> LockedPackage:
    """One entry; what the base image itself meets is left out of ``requires``."""
    met = (
        next((providers[name] for name in names if name in providers), "") for names in deb.depends
    )
    return LockedPackage(
        name=deb.name,
        version=deb.version,
        architecture=deb.architecture,
        platforms=(),
        groups=groups,
        file=deb.file,
        size=deb.size,
        sha256=deb.sha256,
        requires=tuple(sorted(set(met) - {"", deb.name})),
    )


def _artifact(package: LockedPackage) -> Artifact:
    return Artifact(
        file=package.file.rpartition("/")[2],
        hash=f"sha256:{package.sha256}",
        size=package.size,
        source=package.file,
    )
