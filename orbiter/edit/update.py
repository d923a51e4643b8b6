"""Upgrade some packages of a lock set, with limits for the steps of all packages."""

from collections.abc import Collection, Iterable, Mapping

import msgspec

from orbiter.config.image_set import ImageSet
from orbiter.config.mistakes import suggest
from orbiter.config.requirements import locked_name
from orbiter.diff.moves import Move, Moves, explain
from orbiter.edit.images_file import shown
from orbiter.edit.stages import EditTarget
from orbiter.locking.lock import lock
from orbiter.locking.packages import locked_names
from orbiter.locking.work import Environment, LargestStep, LockOptions
from orbiter.lockset.inputs import LOCK_FILES, locked_files
from orbiter.lockset.model import LockSet
from orbiter.tasks import StartTask
from resolvers.errors import ExpectedError
from resolvers.types.request import Upgrade

RANKS = {"build": 0, "patch": 1, "minor": 2, "major": 3}
SHOWN = 5

Place = tuple[str, str]
"""A builder and a manager."""


class ChosenPackages(msgspec.Struct, frozen=True, kw_only=True):
    """The packages to upgrade with their versions, "" for any, and where they are locked."""

    packages: Mapping[str, str]
    places: frozenset[Place]


class Updated(msgspec.Struct, frozen=True, kw_only=True):
    """The new lock set and its moves.

    ``held`` are packages that stayed, with the move that was too large.
    """

    locked: LockSet
    moves: Moves
    held: Mapping[str, Move]


def select(
    image_set: ImageSet,
    previous: LockSet,
    packages: Mapping[str, str],
    targets: tuple[EditTarget, ...] = (),
    manager: str = "",
) -> ChosenPackages:
    """Return the named packages, or all requirements of images.toml, as far as they are locked.

    ``targets`` and ``manager`` limit the places. Raises ExpectedError for a name that is not locked
    there, and if there is nothing to upgrade.
    """
    builders = {target.stage.builder for target in targets} or set(image_set.builders)
    managers = (manager,) if manager else LOCK_FILES
    locked = {
        (builder, each): locked_names(each, locked_files(previous, builder, each))
        for builder in sorted(builders)
        for each in managers
    }
    if packages:
        return _named(packages, locked)
    found = _requested(image_set, {stage for target in targets for stage in target.stages})
    places = {place: found.get(place, set()) & names for place, names in locked.items()}
    names = {name for each in places.values() for name in each}
    if not names:
        raise ExpectedError(
            "the lock set has none of these requirements", "run orbiter lock, or name packages"
        )
    return ChosenPackages(
        packages=dict.fromkeys(sorted(names), ""),
        places=frozenset(place for place, each in places.items() if each),
    )


def _named(packages: Mapping[str, str], locked: Mapping[Place, set[str]]) -> ChosenPackages:
    from packaging.utils import canonicalize_name

    known = {name for names in locked.values() for name in names}
    spelled: dict[str, str] = {}
    for name, version in packages.items():
        spelling = name if name in known else canonicalize_name(name)
        if spelling not in known:
            where = ", ".join(" ".join(place) for place, names in locked.items() if names)
            raise ExpectedError(
                f"{shown(name)} is not in the lock files ({where or 'there are none'})",
                suggest(
                    name,
                    known,
                    "only packages that the lock set installs can move; orbiter add adds others",
                ),
            )
        spelled[spelling] = version
    places = (place for place, names in locked.items() if not names.isdisjoint(spelled))
    return ChosenPackages(packages=spelled, places=frozenset(places))


def _requested(image_set: ImageSet, stages: Collection[str]) -> dict[Place, set[str]]:
    """Return the locked names of the requirements of stages, or of all stages."""
    names: dict[Place, set[str]] = {}
    for stage in image_set.stages:
        if not stages or stage.name in stages:
            for manager, texts in stage.requirements.items():
                found = names.setdefault((stage.builder, manager), set())
                found |= {locked_name(manager, text) for text in texts}
    return names


def update(
    image_set: ImageSet,
    previous: LockSet,
    selection: ChosenPackages,
    options: LockOptions,
    environment: Environment,
    start_task: StartTask,
) -> Updated:
    """Upgrade the selected packages; nothing is written.

    If a package makes a larger step than ``options.largest_step``, those that were asked for and
    led to it stay. Raises ExpectedError if a step is too large although nothing was upgraded.
    """
    packages = dict(selection.packages)
    held: dict[str, Move] = {}
    while True:
        upgrade = Upgrade(packages=packages)
        each = msgspec.structs.replace(options, upgrade=upgrade, upgraded=selection.places)
        locked = lock(image_set, previous, each, environment, start_task)
        moves = explain(previous, locked, packages)
        large = too_large(moves.moves, options.largest_step)
        if not large:
            return Updated(locked=locked, moves=moves, held=held)
        # The report names the step of the package itself, if that is too large.
        large.sort(key=lambda move: move.asked)
        culprits = {name: move for move in large if (name := move.root) in packages}
        if not culprits:
            raise _unavoidable(large, options.largest_step)
        held |= culprits
        packages = {name: text for name, text in packages.items() if name not in culprits}


def too_large(moves: Iterable[Move], largest_step: LargestStep) -> list[Move]:
    """Return the moves to another version that are larger than a step."""
    if not largest_step:
        return []
    return [
        move
        for move in moves
        if move.change.old
        and move.change.new
        and RANKS.get(move.change.step, RANKS["major"]) > RANKS[largest_step]
        and move.change.kind not in {"rebuilt", "moved"}
    ]


def _unavoidable(large: list[Move], largest_step: LargestStep) -> ExpectedError:
    listed = "".join(
        f"\n  {move.change.name} {' '.join(move.change.old)} → {' '.join(move.change.new)}"
        for move in large[:SHOWN]
    )
    more = f"\n  and {len(large) - SHOWN} more" if len(large) > SHOWN else ""
    return ExpectedError(
        f"--{largest_step}: these packages move by more, whatever is upgraded:{listed}{more}",
        "images.toml or the index has changed: run orbiter lock --dry-run to see what moves",
    )
