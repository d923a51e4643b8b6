"""The engine rattler: it solves all platforms concurrently, inside this process."""

from collections.abc import Collection, Mapping

from resolvers.conda import rattler_solver
from resolvers.conda.channels import Channel
from resolvers.conda.direct import DirectPackage, check_platforms, direct_packages
from resolvers.conda.entries import entry_of
from resolvers.conda.keep_pins import PlatformResult, solve_platform
from resolvers.conda.lock_file import CondaEntry, CondaLock
from resolvers.conda.rattler_solver import PlatformSolver, PreviousPackage
from resolvers.conda.requirements import CondaRequirement
from resolvers.types.request import NOTE, Request, VersionLimits

SHOWN_CHANGES = 8
"""Number of changed packages that one line of progress names."""


def lock(
    request: Request,
    channels: tuple[Channel, ...],
    requirements: tuple[CondaRequirement, ...],
    virtual_packages: Mapping[str, Mapping[str, str]],
    previous: CondaLock | None,
) -> dict[str, tuple[CondaEntry, ...]]:
    """Return the entries of each subdir in ``virtual_packages``, keeping the previous pins.

    Raises UnsolvableError, and ExpectedError for unreadable channels.
    """
    import asyncio

    direct = direct_packages(request, requirements, previous)
    check_platforms(direct, virtual_packages)
    solving = _solve(request, channels, requirements, virtual_packages, previous, direct)
    try:
        results = asyncio.run(solving)
    finally:
        rattler_solver.protect_cache()
    for subdir, result in results.items():
        _report_changes(request, subdir, result)
    locked: dict[str, tuple[CondaEntry, ...]] = {}
    for subdir, result in results.items():
        records = result.solution.values()
        locked[subdir] = tuple(entry_of(record, subdir, channels) for record in records)
    return locked


async def _solve(
    request: Request,
    channels: tuple[Channel, ...],
    requirements: tuple[CondaRequirement, ...],
    virtual_packages: Mapping[str, Mapping[str, str]],
    previous: CondaLock | None,
    direct: tuple[DirectPackage, ...],
) -> dict[str, PlatformResult]:
    """Solve all platforms; they share one gateway, so each index is read once."""
    import asyncio

    gateway = rattler_solver.open_gateway()
    records = [package.record() for package in direct]
    names = {package.address.name for package in direct}
    solvers = [
        PlatformSolver(
            gateway=gateway,
            channels=channels,
            priority=request.conda.priority,
            subdir=subdir,
            virtual_packages=packages,
            requirements=requirements,
            as_of=request.as_of,
            direct=records,
            constraints=_constraints(request.limits),
        )
        for subdir, packages in virtual_packages.items()
    ]
    solving = [
        solve_platform(solver, _previous_packages(previous, solver.subdir, names), request.upgrade)
        for solver in solvers
    ]
    # With return_exceptions, no solve is still running when this coroutine ends.
    outcomes = await asyncio.gather(*solving, return_exceptions=True)
    results: dict[str, PlatformResult] = {}
    for solver, outcome in zip(solvers, outcomes, strict=True):
        if isinstance(outcome, BaseException):
            raise outcome
        results[solver.subdir] = outcome
    return results


def _constraints(limits: VersionLimits) -> list[str]:
    """Return the limits of versions as specs: ``numpy 2.4.*``."""
    return [
        f"{name} {'|'.join('.'.join(map(str, numbers)) + '.*' for numbers in prefixes)}"
        for name, prefixes in sorted(limits.items())
    ]


def _previous_packages(
    previous: CondaLock | None, subdir: str, direct: Collection[str]
) -> tuple[PreviousPackage, ...]:
    """Return the packages of channels that the previous lock has for a subdir, each once."""
    entries = previous.entries_for(subdir) if previous else ()
    by_name = {entry.name: entry for entry in entries}  # the lock repeats it for every category
    return tuple(
        PreviousPackage(
            name=entry.name, version=entry.version, file=entry.file, sha256=entry.hash.sha256
        )
        for entry in by_name.values()
        if entry.name not in direct
    )


def _report_changes(request: Request, subdir: str, result: PlatformResult) -> None:
    if not result.changes:
        return
    shown = "; ".join(str(change) for change in result.changes[:SHOWN_CHANGES])
    hidden_count = len(result.changes) - SHOWN_CHANGES
    more = f"; and {hidden_count} more" if hidden_count > 0 else ""
    request.progress(f"{NOTE}{subdir}: these packages also had to change: {shown}{more}")
