"""Starting from an earlier lock: as few packages move as can be, and it is told which had to, and why."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from resolvers.conda.rattler_solver import Known, Solution, Solver
from resolvers.errors import UnsolvableError
from resolvers.types import Upgrade

if TYPE_CHECKING:
    from rattler import RepoDataRecord

TRIES = 16
"""How often it is tried to let more stand, at most; each try takes a fraction of a second."""


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """A package that nobody asked to move: ``linux-64``, its name and versions, and the reason."""

    subdir: str
    name: str
    old: str
    new: str
    why: str

    def __str__(self) -> str:
        return f"{self.name} {self.old} -> {self.new} ({self.why})"


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a platform installs now, and which packages moved or went away though nobody asked for it."""

    solution: Solution
    moved: tuple[Moved, ...] = ()


async def answer(solver: Solver, previous: tuple[Known, ...], upgrade: Upgrade) -> Answer:
    """Solve for one platform. Raises UnsolvableError, also where a version that was asked for does not fit."""
    if upgrade.everything or not previous:
        return Answer(solution=await solver.solve(also=_exactly(upgrade)))
    pins = await solver.find(previous)
    asked = {
        name: wanted
        for name, wanted in upgrade.packages.items()
        if name in {each.name for each in previous}
    }
    fresh = await _upgraded(solver, pins, asked)
    stay = {name: record for name, record in pins.items() if name not in asked}
    solution = await _least(solver, stay, fresh, _exactly(upgrade))
    gone = {
        each.name: each for each in previous if each.name not in pins and each.name not in asked
    }
    return Answer(solution=solution, moved=_moved(solver, pins, gone, solution, asked))


def _exactly(upgrade: Upgrade) -> list[str]:
    return [f"{name} =={wanted}" for name, wanted in sorted(upgrade.packages.items()) if wanted]


async def _upgraded(
    solver: Solver, pins: Mapping[str, "RepoDataRecord"], asked: Mapping[str, str]
) -> dict[str, "RepoDataRecord"]:
    """What is asked to move, as it would be in a lock that starts from nothing; but nothing becomes older."""
    if not asked:
        return {}
    exact = _exactly(Upgrade(packages=asked))
    free = await solver.solve(also=exact)
    found = {name: free[name] for name in asked if name in free}
    older = {n for n, record in found.items() if n in pins and not asked[n] and record < pins[n]}
    return {name: pins[name] if name in older else record for name, record in found.items()}


async def _least(
    solver: Solver,
    stay: Mapping[str, "RepoDataRecord"],
    fresh: Mapping[str, "RepoDataRecord"],
    also: list[str],
) -> Solution:
    """A solution that has all that is fresh and as much as can be of what may stay."""
    fixed = list(fresh.values())
    try:
        return await solver.solve(keep=[*fixed, *stay.values()], also=also)
    except UnsolvableError:
        best = await solver.solve(keep=fixed, prefer=stay.values(), also=also)
    moved = [name for name, record in stay.items() if name in best and best[name].url != record.url]
    kept = {name for name in stay if name not in moved}
    waiting = [moved]
    for _ in range(TRIES):
        if not waiting:
            break
        some = waiting.pop(0)
        held = kept.union(some)
        try:
            best = await solver.solve(
                keep=[*fixed, *(stay[name] for name in held)],
                prefer=[record for name, record in stay.items() if name not in held],
                also=also,
            )
            kept = held
        except UnsolvableError:
            half = len(some) // 2
            waiting += [part for part in (some[:half], some[half:]) if half and part]
    return best


def _moved(
    solver: Solver,
    pins: Mapping[str, "RepoDataRecord"],
    gone: Mapping[str, Known],
    solution: Solution,
    asked: Mapping[str, str],
) -> tuple[Moved, ...]:
    found = []
    for name, old in pins.items():
        new = solution.get(name)
        if new is not None and name not in asked and new.url != old.url:
            found.append(
                _move(
                    solver.subdir,
                    name,
                    _label(old, new),
                    _label(new, old),
                    _why(solver, old, solution),
                )
            )
    for name, known in gone.items():
        if name in solution:
            why = "the channels had it later" if solver.as_of else "the channels have it no more"
            found.append(
                _move(solver.subdir, name, known.version, str(solution[name].version), why)
            )
    return tuple(sorted(found, key=lambda each: each.name))


def _move(subdir: str, name: str, old: str, new: str, why: str) -> Moved:
    return Moved(subdir=subdir, name=name, old=old, new=new, why=why)


def _label(record: "RepoDataRecord", other: "RepoDataRecord") -> str:
    """The version, with the build where the versions are the same."""
    version = str(record.version)
    return version if version != str(other.version) else f"{version} {record.build}"


def _why(solver: Solver, old: "RepoDataRecord", solution: Solution) -> str:
    """What the old package does not fit: a requirement, a package that is there now, or its own dependencies."""
    name = old.name.normalized
    for wish in solver.wishes:
        if wish.name == name and not _fits(wish.text, old):
            return f"'{wish.written}' is asked for by '{wish.group}'"
    for record in solution.values():
        for need in (*record.depends, *record.constrains):
            if _name(need) == name and not _fits(need, old):
                return f"{record.name.normalized} {record.version} needs {need}"
    for need in (*old.depends, *old.constrains):
        there = solution.get(_name(need))
        if there is not None and not _fits(need, there):
            return f"it needs {need}, and {there.name.normalized} is {there.version} now"
    return "by way of other packages"


def _name(need: str) -> str:
    return need.partition("[")[0].split(" ")[0].rpartition("::")[2].lower()


def _fits(need: str, record: "RepoDataRecord") -> bool:
    from rattler import MatchSpec
    from rattler.exceptions import InvalidMatchSpecError

    try:
        return MatchSpec(need).matches(record)
    except InvalidMatchSpecError:
        return True  # an index may hold what nobody can read; then it explains nothing
