"""Solving from a previous lock: keep as many pins as possible, and explain every other change."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import msgspec

from resolvers.conda.rattler_solver import PlatformSolver, PreviousPackage, Solution
from resolvers.errors import UnsolvableError
from resolvers.types.request import Upgrade

if TYPE_CHECKING:
    from rattler import RepoDataRecord

    Records = Mapping[str, RepoDataRecord]
    """Packages by name."""

ATTEMPTS = 16
"""Solves that try to keep more pins; each takes a fraction of a second."""


class UnrequestedChange(msgspec.Struct, frozen=True, kw_only=True):
    """A package whose version had to change although nobody requested it, with the reason."""

    name: str
    old: str
    new: str
    reason: str

    def __str__(self) -> str:
        return f"{self.name} {self.old} -> {self.new} ({self.reason})"


class PlatformResult(msgspec.Struct, frozen=True, kw_only=True):
    """The packages of one platform, and the changes that nobody requested."""

    solution: Solution
    changes: tuple[UnrequestedChange, ...] = ()


async def solve_platform(
    solver: PlatformSolver, previous: tuple[PreviousPackage, ...], upgrade: Upgrade
) -> PlatformResult:
    """Solve for one platform.

    Raises UnsolvableError, also if a version that the upgrade requests does not fit.
    """
    if upgrade.everything or not previous:
        return PlatformResult(solution=await solver.solve(extra=_exact_specs(upgrade.packages)))
    pins = await solver.find(previous)
    previous_names = {package.name for package in previous}
    requested = {
        name: version for name, version in upgrade.packages.items() if name in previous_names
    }
    upgraded = await _upgraded(solver, pins, requested)
    kept = {name: record for name, record in pins.items() if name not in requested}
    extra = _exact_specs(upgrade.packages)
    solution = await _keep_most(solver, kept, list(upgraded.values()), extra)
    removed = [
        package
        for package in previous
        if package.name not in pins and package.name not in requested
    ]
    changes = [*_moved_pins(solver, kept, solution), *_replaced_pins(solver, removed, solution)]
    return PlatformResult(
        solution=solution, changes=tuple(sorted(changes, key=lambda change: change.name))
    )


def _exact_specs(versions: Mapping[str, str]) -> list[str]:
    return [f"{name} =={version}" for name, version in sorted(versions.items()) if version]


async def _upgraded(
    solver: PlatformSolver, pins: "Records", requested: Mapping[str, str]
) -> dict[str, "RepoDataRecord"]:
    """Return the requested packages as a lock without previous pins would have them.

    No package becomes older, unless the upgrade requests that version.
    """
    if not requested:
        return {}
    fresh = await solver.solve(extra=_exact_specs(requested))
    upgraded = {name: fresh[name] for name in requested if name in fresh}
    for name, record in upgraded.items():
        is_older = name in pins and record < pins[name]
        if is_older and not requested[name]:
            upgraded[name] = pins[name]
    return upgraded


async def _keep_most(
    solver: PlatformSolver,
    pins: "Records",
    fixed: list["RepoDataRecord"],
    extra: list[str],
) -> Solution:
    """Return a solution with all ``fixed`` packages and as many of the pins as possible.

    If not all pins fit, tries to keep the pins that changed: first all of them, then halves of the
    sets that do not fit, down to single pins.
    """
    try:
        return await solver.solve(keep=[*fixed, *pins.values()], extra=extra)
    except UnsolvableError:
        best = await solver.solve(keep=fixed, prefer=pins.values(), extra=extra)
    # Pins that this solution keeps fit together; try to add the others to them.
    changed = [
        name for name, record in pins.items() if name in best and best[name].url != record.url
    ]
    kept = pins.keys() - set(changed)
    candidates = [changed]
    for _ in range(ATTEMPTS):
        if not candidates:
            break
        candidate = candidates.pop(0)
        names = kept.union(candidate)
        keep = [*fixed, *(pins[name] for name in names)]
        prefer = [record for name, record in pins.items() if name not in names]
        try:
            best = await solver.solve(keep=keep, prefer=prefer, extra=extra)
            kept = names
        except UnsolvableError:
            candidates += _halves(candidate)
    return best


def _halves(names: list[str]) -> list[list[str]]:
    """Return both halves of a list; none if it has one item."""
    middle = len(names) // 2
    return [names[:middle], names[middle:]] if middle else []


def _moved_pins(
    solver: PlatformSolver, pins: "Records", solution: Solution
) -> Iterable[UnrequestedChange]:
    """Yield the pins that the channels still have but the solution does not."""
    for name, old in pins.items():
        new = solution.get(name)
        if new is not None and new.url != old.url:
            yield UnrequestedChange(
                name=name,
                old=_label(old, new),
                new=_label(new, old),
                reason=_reason(solver, old, solution),
            )


def _replaced_pins(
    solver: PlatformSolver, removed: Iterable[PreviousPackage], solution: Solution
) -> Iterable[UnrequestedChange]:
    """Yield the packages of the solution whose pins the channels do not have."""
    reason = "no longer in the channels"
    if solver.as_of:
        reason = "not in the channels at that time"
    for package in removed:
        if package.name in solution:
            yield UnrequestedChange(
                name=package.name,
                old=package.version,
                new=str(solution[package.name].version),
                reason=reason,
            )


def _label(record: "RepoDataRecord", other: "RepoDataRecord") -> str:
    """Return the version, with the build if both versions are equal."""
    version = str(record.version)
    return version if version != str(other.version) else f"{version} {record.build}"


def _reason(solver: PlatformSolver, old: "RepoDataRecord", solution: Solution) -> str:
    """Return what excludes the old package.

    Tries the requirements, then the packages of the solution, then its own dependencies.
    """
    name = old.name.normalized
    for requirement in solver.requirements:
        if requirement.name == name and not _fits(requirement.spec, old):
            return f"'{requirement.group}' requires '{requirement.written}'"
    for record in solution.values():
        for spec in (*record.depends, *record.constrains):
            if _name(spec) == name and not _fits(spec, old):
                return f"{record.name.normalized} {record.version} needs {spec}"
    for spec in (*old.depends, *old.constrains):
        other = solution.get(_name(spec))
        if other is not None and not _fits(spec, other):
            return f"it needs {spec}, but {other.name.normalized} is now {other.version}"
    return "because of other packages"


def _name(spec: str) -> str:
    return spec.partition("[")[0].split(" ")[0].rpartition("::")[2].lower()


def _fits(spec: str, record: "RepoDataRecord") -> bool:
    from rattler import MatchSpec
    from rattler.exceptions import InvalidMatchSpecError

    try:
        return MatchSpec(spec).matches(record)
    except InvalidMatchSpecError:
        return True  # an index may contain invalid specs; they explain nothing
