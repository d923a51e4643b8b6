"""The manager conda: locked by rattler or conda-lock, in conda-lock's format."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from resolvers.conda import rattler_engine, rattler_solver
from resolvers.conda.channels import Channel, parse_channel
from resolvers.conda.content_hash import content_hash
from resolvers.conda.entries import assign_categories
from resolvers.conda.environment_yml import (
    ENVIRONMENT,
    VIRTUAL,
    format_environment,
    format_virtual_packages,
)
from resolvers.conda.lock_file import (
    LOCK_FILE,
    CondaEntry,
    CondaLock,
    format_lock,
    parse_lock,
    select_entries,
)
from resolvers.conda.requirements import (
    PLATFORMS,
    CondaRequirement,
    parse_requirements,
    subdir,
    virtual_packages,
)
from resolvers.errors import ExpectedError, UnsolvableError
from resolvers.types.options import CondaOptions
from resolvers.types.packages import Artifact, LockFiles, Package, Pin
from resolvers.types.request import Group, Request, Target

FILES = (ENVIRONMENT, VIRTUAL, LOCK_FILE)
"""The names of the lock files."""

ENGINES = ("rattler", "conda-lock")
INSTALLER = "micromamba"


def tools(engine: str) -> dict[str, str]:
    """Return the engine that solves and its version."""
    if engine != "conda-lock":
        return {"rattler": rattler_solver.version()}
    from resolvers.conda import conda_lock_program

    return {"conda-lock": conda_lock_program.VERSION}


def resolve(request: Request) -> LockFiles:
    """Lock all groups and platforms; return ``{}`` if nothing is required.

    Returns environment.yml, virtual-packages.yml and conda-lock.yml, in which each group is a
    category, or the previous files if they are up to date. Raises UnsolvableError with the engine's
    explanation, and ExpectedError for invalid requirements and channels, for unreadable channels
    and for packages without hashes.
    """
    if not any(group.requirements for group in request.groups):
        return {}
    _check_engine(request.engine)
    requirements = parse_requirements(request.groups)
    channels = tuple(parse_channel(name) for name in request.conda.channels)
    virtual = {
        subdir(target.platform): virtual_packages(target, request.conda)
        for target in request.targets
    }
    remarks = _remarks(request, requirements)
    files = {
        ENVIRONMENT: format_environment(channels, virtual, requirements, remarks),
        VIRTUAL: format_virtual_packages(virtual),
    }
    previous = parse_lock(request.previous) if LOCK_FILE in request.previous else None
    if previous and _is_up_to_date(request, files):
        return dict(request.previous)
    _check_upgrade(request, previous)
    if request.engine == "conda-lock":
        from resolvers.conda import conda_lock_program  # imports more than rattler needs

        locked = conda_lock_program.lock(request, files, requirements)
    else:
        locked = rattler_engine.lock(request, channels, requirements, virtual, previous)
    _check_upgraded_versions(request, locked)
    return {**files, LOCK_FILE: _lock_text(channels, requirements, virtual, locked)}


def _check_engine(name: str) -> None:
    if name not in {"", *ENGINES}:
        raise ExpectedError(f"conda has no engine '{name}'", f"choose one of {', '.join(ENGINES)}")


def _lock_text(
    channels: tuple[Channel, ...],
    requirements: tuple[CondaRequirement, ...],
    virtual: Mapping[str, Mapping[str, str]],
    locked: Mapping[str, tuple[CondaEntry, ...]],
) -> str:
    """Return conda-lock.yml for the entries of each subdir."""
    hashes = {
        name: content_hash(channels, name, requirements, packages)
        for name, packages in virtual.items()
    }
    entries: list[CondaEntry] = []
    for platform_entries in locked.values():
        entries += assign_categories(platform_entries, requirements)
    return format_lock(CondaLock(channels=channels, content_hashes=hashes, entries=tuple(entries)))


def _remarks(request: Request, requirements: Iterable[CondaRequirement]) -> list[str]:
    """Return the settings that influence the solution and differ from their defaults."""
    addresses = (requirement.written for requirement in requirements if requirement.address)
    remarks = [f"from {address}" for address in dict.fromkeys(addresses)]
    if request.conda.priority != "strict":
        remarks.append(f"channel priority: {request.conda.priority}")
    if request.engine == "conda-lock":
        remarks.append(f"engine: {request.engine}")
    return remarks


def _is_up_to_date(request: Request, files: LockFiles) -> bool:
    """Return whether the previous lock files answer the request without any change."""
    # The files hold everything that influences the solution, so equal files mean an equal request.
    may_change = request.upgrade.everything or request.upgrade.packages or request.as_of
    return not may_change and all(
        request.previous.get(name) == text for name, text in files.items()
    )


def _check_upgrade(request: Request, previous: CondaLock | None) -> None:
    """Raise ExpectedError if the upgrade names a package that is not locked."""
    locked_names = {entry.name for entry in previous.entries} if previous else set()
    for name in request.upgrade.packages:
        if name not in locked_names:
            raise ExpectedError(
                f"'{name}' cannot be upgraded: conda's lock has no such package",
                "name a package of the lock, or add it to a conda list first",
            )


def _check_upgraded_versions(
    request: Request, locked: Mapping[str, tuple[CondaEntry, ...]]
) -> None:
    """Raise UnsolvableError if a package with a requested version is no longer needed."""
    names = {entry.name for entries in locked.values() for entry in entries}
    for name, version in request.upgrade.packages.items():
        if version and name not in names:
            raise UnsolvableError(
                f"'{name}' cannot be upgraded to {version}: no requirement needs it any longer",
                f"add it to a conda list, or leave out --upgrade-package {name}=={version}",
            )


def python_version(files: LockFiles) -> str:
    """Return the exact Python version that the lock files install; empty for none. Pure."""
    entries = parse_lock(files).entries if files else ()
    versions = {entry.version for entry in entries if entry.name == "python"}
    if len(versions) > 1:
        raise ExpectedError(
            f"conda locked different Pythons for the platforms: {', '.join(sorted(versions))}",
            'require one of them, such as "python=3.12.11"',
        )
    return next(iter(versions), "")


def installer(conda: CondaOptions, platform: str, as_of: datetime | None) -> Pin:
    """Return the package of micromamba, which installs the other packages in a build stage.

    Raises ExpectedError if the channels do not have it.
    """
    group = Group(name="installer", requirements=(INSTALLER,))
    target = Target(platform=platform)
    try:
        files = resolve(Request(groups=(group,), targets=(target,), conda=conda, as_of=as_of))
    except UnsolvableError as error:
        raise ExpectedError(
            f"the channels ({', '.join(conda.channels)}) have no {INSTALLER} for {platform}",
            "add a channel that has it, such as conda-forge, or let rattler install the packages: "
            'installer = "rattler"',
        ) from error
    return next(pin for pin in select(files, target, (group.name,)) if pin.name == INSTALLER)


def read(files: LockFiles) -> tuple[Package, ...]:
    """Return all packages of the lock; a file that fits several platforms counts once. Pure."""
    entries = parse_lock(files).entries if LOCK_FILE in files else ()
    same_build: dict[tuple[str, str, str], list[CondaEntry]] = {}
    for entry in entries:
        same_build.setdefault((entry.name, entry.version, entry.build), []).append(entry)
    return tuple(_package(same_build[key]) for key in sorted(same_build))


def _package(entries: list[CondaEntry]) -> Package:
    """Return the package that several entries have in common."""
    first = entries[0]
    platforms = {PLATFORMS.get(entry.platform, entry.platform) for entry in entries}
    dependencies = {name for entry in entries for name in entry.dependencies}
    return Package(
        manager="conda",
        name=first.name,
        version=first.version,
        build=first.build,
        platforms=tuple(sorted(platforms)),
        groups=tuple(sorted({entry.category for entry in entries})),
        requires=tuple(sorted(name for name in dependencies if not name.startswith("__"))),
        artifacts=tuple(sorted({_artifact(entry) for entry in entries})),
    )


def _artifact(entry: CondaEntry) -> Artifact:
    return Artifact(file=entry.file, hash=f"sha256:{entry.hash.sha256}", source=entry.url)


def select(files: LockFiles, target: Target, groups: tuple[str, ...]) -> tuple[Pin, ...]:
    """Return the packages that the groups together install on the target, sorted by name. Pure."""
    entries = select_entries(files, target, groups)
    return tuple(
        Pin(name=entry.name, version=entry.version, artifact=_artifact(entry))
        for _, entry in sorted(entries.items())
    )
