"""The manager conda: solved by rattler in process, or by the program conda-lock; the lock file is conda-lock's."""

from collections.abc import Mapping
from datetime import datetime

from resolvers.conda import environment_yml, lock_file, rattler_solver
from resolvers.conda.channels import Channel, channel
from resolvers.conda.entries import categorised, entry
from resolvers.conda.environment_yml import ENVIRONMENT, VIRTUAL
from resolvers.conda.keep_pins import Answer, answer
from resolvers.conda.lock_file import FILE, CondaEntry, CondaLock
from resolvers.conda.rattler_solver import Known, Solver
from resolvers.conda.requirements import PLATFORMS, SUBDIRS, Wish, subdir, virtual_packages, wishes
from resolvers.errors import ExpectedError, UnsolvableError
from resolvers.types import (
    NOTE,
    Artifact,
    CondaOptions,
    Group,
    LockFiles,
    Package,
    Pin,
    Request,
    Target,
)

__all__ = [
    "FILE",
    "FILES",
    "SUBDIRS",
    "installer",
    "python_version",
    "read",
    "resolve",
    "select",
    "tools",
]

FILES = (ENVIRONMENT, VIRTUAL, FILE)
"""The names of the lock files."""

ENGINES = ("rattler", "conda-lock")
INSTALLER = "micromamba"
SHOWN = 8
"""How many moved packages one line of progress names."""


def tools(engine: str) -> dict[str, str]:
    """The version of the engine that solves."""
    if engine != "conda-lock":
        return {"rattler": rattler_solver.version()}
    from resolvers.conda import conda_lock_program

    return {"conda-lock": conda_lock_program.VERSION}


def resolve(request: Request) -> LockFiles:
    """CondaLock conda's part, all groups and platforms; {} where nothing is asked, the previous files where nothing moves.

    Gives environment.yml, virtual-packages.yml and conda-lock.yml, in which each group is a category. Raises
    UnsolvableError with the engine's explanation, ExpectedError for what is no requirement or channel, for channels
    that cannot be read, and for packages without hashes.
    """
    if not any(group.requirements for group in request.groups):
        return {}
    if request.engine not in {"", *ENGINES}:
        raise ExpectedError(
            f"conda has no engine '{request.engine}'", f"its engines are {', '.join(ENGINES)}"
        )
    asked = wishes(request.groups)
    channels = tuple(channel(each) for each in request.conda.channels)
    virtual = {
        subdir(target.platform): virtual_packages(target, request.conda)
        for target in request.targets
    }
    files = {
        ENVIRONMENT: environment_yml.environment(channels, virtual, asked, _remarks(request)),
        VIRTUAL: environment_yml.virtual(virtual),
    }
    previous = lock_file.parse(request.previous) if FILE in request.previous else None
    if previous and _is_fresh(request, files):
        return dict(request.previous)
    _check_upgrade(request, previous)
    if request.engine == "conda-lock":
        from resolvers.conda import conda_lock_program  # which imports much that rattler needs not

        found = conda_lock_program.lock(request, files, asked)
    else:
        found = _solved(request, channels, asked, virtual, previous)
    _check_versions(request, found)
    hashes = {
        name: environment_yml.content_hash(channels, name, asked, virtual[name]) for name in virtual
    }
    package = tuple(each for entries in found.values() for each in categorised(entries, asked))
    return {
        **files,
        FILE: lock_file.write(CondaLock(channels=channels, hashes=hashes, package=package)),
    }


def _remarks(request: Request) -> list[str]:
    """Where it is not as usual: what decides the solution besides the files."""
    priority = (
        f"channel priority: {request.conda.priority}" if request.conda.priority != "strict" else ""
    )
    engine = f"engine: {request.engine}" if request.engine == "conda-lock" else ""
    return [remark for remark in (priority, engine) if remark]


def _is_fresh(request: Request, files: LockFiles) -> bool:
    """Whether the previous files are an answer to the request as they are."""
    moves = request.upgrade.everything or request.upgrade.packages or request.as_of
    return not moves and all(request.previous.get(name) == text for name, text in files.items())


def _check_upgrade(request: Request, previous: CondaLock | None) -> None:
    known = {each.name for each in previous.package} if previous else set()
    for name in request.upgrade.packages:
        if name not in known:
            raise ExpectedError(
                f"'{name}' cannot be upgraded: conda's lock has no such package",
                "name a package of the lock, or add it to a conda list first",
            )


def _check_versions(request: Request, found: Mapping[str, tuple[CondaEntry, ...]]) -> None:
    locked = {each.name for entries in found.values() for each in entries}
    for name, wanted in request.upgrade.packages.items():
        if wanted and name not in locked:
            raise UnsolvableError(
                f"'{name}' cannot become {wanted}: nothing that is asked for needs it any more"
            )


def _solved(
    request: Request,
    channels: tuple[Channel, ...],
    asked: tuple[Wish, ...],
    virtual: Mapping[str, Mapping[str, str]],
    previous: CondaLock | None,
) -> dict[str, tuple[CondaEntry, ...]]:
    """rattler's answer by platform."""
    import asyncio

    answers = asyncio.run(_answers(request, channels, asked, virtual, previous))
    for name, one in answers.items():
        _tell(request, name, one)
    return {
        name: tuple(entry(record, name, channels) for record in one.solution.values())
        for name, one in answers.items()
    }


async def _answers(
    request: Request,
    channels: tuple[Channel, ...],
    asked: tuple[Wish, ...],
    virtual: Mapping[str, Mapping[str, str]],
    previous: CondaLock | None,
) -> dict[str, Answer]:
    """All platforms side by side: they share what the channels answer."""
    import asyncio

    gateway = rattler_solver.gateway()
    solvers = {
        name: Solver(
            gateway=gateway,
            channels=channels,
            priority=request.conda.priority,
            subdir=name,
            virtual=packages,
            wishes=asked,
            as_of=request.as_of,
        )
        for name, packages in virtual.items()
    }
    found = await asyncio.gather(
        *(
            answer(solver, _known(previous, name), request.upgrade)
            for name, solver in solvers.items()
        ),
        return_exceptions=True,  # so that none is still running when this ends
    )
    for each in found:
        if isinstance(each, BaseException):
            raise each
    return {
        name: each for name, each in zip(solvers, found, strict=True) if isinstance(each, Answer)
    }


def _known(previous: CondaLock | None, name: str) -> tuple[Known, ...]:
    entries = previous.of(name) if previous else ()
    known = {each.name: each for each in entries}  # it is there once for each category
    return tuple(
        Known(name=each.name, version=each.version, file=each.file, sha256=each.hash.sha256)
        for each in known.values()
    )


def _tell(request: Request, name: str, one: Answer) -> None:
    if one.moved:
        shown = "; ".join(str(each) for each in one.moved[:SHOWN])
        more = f"; and {len(one.moved) - SHOWN} more" if len(one.moved) > SHOWN else ""
        request.progress(f"{NOTE}{name}: these had to move too: {shown}{more}")


def python_version(files: LockFiles) -> str:
    """The exact Python that the lock files name; "" where they name none. Pure."""
    found = (
        {each.version for each in lock_file.parse(files).package if each.name == "python"}
        if files
        else set()
    )
    if len(found) > 1:
        raise ExpectedError(
            f"conda locked different Pythons for the platforms: {', '.join(sorted(found))}",
            'ask for one, such as "python=3.12.11"',
        )
    return next(iter(found), "")


def installer(conda: CondaOptions, platform: str, as_of: datetime | None) -> Pin:
    """The package of the channels with the program that installs the others in a build stage: micromamba.

    Raises ExpectedError where they have none.
    """
    group = Group(name="installer", requirements=(INSTALLER,))
    target = Target(platform=platform)
    try:
        files = resolve(Request(groups=(group,), targets=(target,), conda=conda, as_of=as_of))
    except UnsolvableError as error:
        raise ExpectedError(
            f"the channels ({', '.join(conda.channels)}) have no {INSTALLER} for {platform}",
            'add one that has it, such as conda-forge, or let rattler install: installer = "rattler"',
        ) from error
    return next(pin for pin in select(files, target, (group.name,)) if pin.name == INSTALLER)


def read(files: LockFiles) -> tuple[Package, ...]:
    """All packages that the lock names, those of several platforms once where it is the same file. Pure."""
    found: dict[tuple[str, str, str], list[CondaEntry]] = {}
    for each in lock_file.parse(files).package if FILE in files else ():
        found.setdefault((each.name, each.version, each.build), []).append(each)
    return tuple(_package(same) for _, same in sorted(found.items()))


def _package(same: list[CondaEntry]) -> Package:
    first = same[0]
    return Package(
        manager="conda",
        name=first.name,
        version=first.version,
        build=first.build,
        platforms=tuple(sorted({PLATFORMS.get(each.platform, each.platform) for each in same})),
        groups=tuple(sorted({each.category for each in same})),
        requires=tuple(
            sorted(
                {need for each in same for need in each.dependencies if not need.startswith("__")}
            )
        ),
        artifacts=tuple(sorted({_artifact(each) for each in same})),
    )


def _artifact(each: CondaEntry) -> Artifact:
    return Artifact(file=each.file, hash=f"sha256:{each.hash.sha256}", source=each.url)


def select(files: LockFiles, target: Target, groups: tuple[str, ...]) -> tuple[Pin, ...]:
    """What the groups together install on the target's platform, sorted by name. Pure."""
    if FILE not in files:
        return ()
    lock, name = lock_file.parse(files), subdir(target.platform)
    if name not in lock.hashes:
        raise ExpectedError(
            f"{FILE} is not locked for {target.platform}", "lock for this platform: orbiter lock"
        )
    found = {each.name: each for each in lock.of(name) if each.category in groups}
    return tuple(
        Pin(name=each.name, version=each.version, artifact=_artifact(each))
        for _, each in sorted(found.items())
    )
