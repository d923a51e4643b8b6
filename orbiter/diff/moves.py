"""Reasons for the changes between two lock sets: which request moved which packages. Pure.

The lock files of all managers record which packages require which. So a search starts at the
packages that a user asked for, and follows these links to the packages that changed.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Literal

import msgspec

from orbiter.config.image_set import ImageSet
from orbiter.config.requirements import locked_name
from orbiter.diff.lock_sets import ManagerChanges, lock_set_changes
from orbiter.diff.needs import Needs, needs
from orbiter.diff.types import Change
from orbiter.lockfiles.lock_set import INSTALLERS, as_lock
from orbiter.lockfiles.types import PackageEntry
from orbiter.lockset.model import BuilderFacts, LockSet

Node = tuple[str, str]
"""Manager and name of a package."""
Graph = Mapping[Node, Collection[Node]]
"""The packages that each package requires."""
Relation = Literal["requires", "follows", "drops"]


class Cause(msgspec.Struct, frozen=True, kw_only=True):
    """The package because of which another one moved.

    ``requires``: this package requires the moved one. ``follows``: the moved package requires this
    one, which has another version now. ``drops``: this package no longer requires the moved one.
    ``requirement`` is what the one requires of the other, "" if the lock does not record it.
    """

    relation: Relation
    manager: str
    name: str
    version: str = ""
    requirement: str = ""


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """A change of a package with its reason.

    ``asked`` is True if the user asked for it. ``cause`` is None if that is so, or if the locks do
    not record the reason. ``root`` is the requested package that led to the move, "" if unknown.
    """

    builder: str
    change: Change
    asked: bool = False
    cause: Cause | None = None
    root: str = ""


class Moves(msgspec.Struct, frozen=True, kw_only=True):
    """All changes between two lock sets.

    ``moves`` leaves out those of installers. It is empty for a first lock, which moves nothing.
    """

    changes: tuple[ManagerChanges, ...]
    moves: tuple[Move, ...] = ()

    @property
    def total(self) -> int:
        """The number of packages of the new lock set, counted by builder."""
        return sum(each.count for each in self.changes if each.builder != INSTALLERS)

    @property
    def compared(self) -> int:
        """The number of packages that could move: those of the new lock set and dropped ones."""
        return self.total + sum(each.dropped for each in self.changes if each.builder != INSTALLERS)

    @property
    def count(self) -> int:
        """The number of packages that moved; one with several changes counts once."""
        return len({(move.builder, move.change.manager, move.change.name) for move in self.moves})

    @property
    def by_root(self) -> tuple[tuple[str, int], ...]:
        """The requested packages with the number of other packages that they moved, most first."""
        counts = Counter(move.root for move in self.moves if move.root and not move.asked)
        return tuple(sorted(counts.items(), key=lambda each: (-each[1], each[0])))


class _Found(msgspec.Struct, frozen=True):
    """The result of the search for one package."""

    root: Node
    cause: Cause | None = None


class _Search(msgspec.Struct, frozen=True, kw_only=True):
    """The changes of a builder, and the packages before and after them."""

    changes: Mapping[Node, Change]
    old: Graph
    new: Graph
    needs: Needs


def without_reasons(old: LockSet | None, new: LockSet) -> Moves:
    """Return the moves between two lock sets without their reasons."""
    changes = tuple(lock_set_changes(old, new))
    moves = tuple(
        Move(builder=each.builder, change=change)
        for each in changes
        for change in each.changes
        if old and each.builder != INSTALLERS
    )
    return Moves(changes=changes, moves=moves)


def explain(old: LockSet | None, new: LockSet, requested: Collection[str]) -> Moves:
    """Return the moves between two lock sets with their reasons.

    ``requested`` are names of packages that a command was asked to upgrade. Changed requirements in
    images.toml count as requests too.
    """
    plain = without_reasons(old, new)
    if old is None or not plain.moves:
        return plain
    graphs = [_graphs(lock_set) for lock_set in (old, new)]
    moves: list[Move] = []
    for builder in dict.fromkeys(move.builder for move in plain.moves):
        of_builder = [move.change for move in plain.moves if move.builder == builder]
        before, after = (graph.get(builder, {}) for graph in graphs)
        moves += _moves(old, new, builder, of_builder, (before, after), requested)
    return msgspec.structs.replace(plain, moves=tuple(moves))


def _moves(
    old: LockSet,
    new: LockSet,
    builder: str,
    changes: Collection[Change],
    graphs: tuple[Graph, Graph],
    requested: Collection[str],
) -> Iterator[Move]:
    search = _Search(
        changes={(change.manager, change.name): change for change in changes},
        old=graphs[0],
        new=graphs[1],
        needs=needs(new, builder),
    )
    roots = {node for node in {*search.old, *search.new} if node[1] in requested}
    roots |= _edited(old.image_set, new.image_set, builder)
    found = _search(search, roots)
    python = _new_python(old, new, builder)
    for change in changes:
        result = found.get((change.manager, change.name))
        yield Move(
            builder=builder,
            change=change,
            asked=(change.manager, change.name) in roots,
            cause=result.cause if result else python if change.manager == "pip" else None,
            root=result.root[1] if result else "",
        )


def _edited(old: ImageSet, new: ImageSet, builder: str) -> set[Node]:
    """Return the packages whose requirements differ between two image sets."""
    before, after = (_requirements(image_set, builder) for image_set in (old, new))
    return {(manager, locked_name(manager, text)) for manager, _, text in before ^ after}


def _requirements(image_set: ImageSet, builder: str) -> set[tuple[str, str, str]]:
    return {
        (manager, stage.name, text)
        for stage in image_set.stages
        if stage.builder == builder
        for manager, texts in stage.requirements.items()
        for text in texts
    }


def _new_python(old: LockSet, new: LockSet, builder: str) -> Cause | None:
    """Return the cause of changes of pip's packages if they are for another Python than before."""
    before, after = (
        lock_set.manifest.builders.get(builder, BuilderFacts()).python for lock_set in (old, new)
    )
    if not after or before == after:
        return None
    return Cause(relation="follows", manager="", name="python", version=after)


def _search(search: _Search, roots: Collection[Node]) -> dict[Node, _Found]:
    """Search from the roots, breadth first, and return the reason for each package found."""
    found = {root: _Found(root) for root in roots}
    level = sorted(roots)
    required_by = _reversed(search.new)
    while level:
        before = set(found)
        for node in level:
            for other in sorted(search.new.get(node, ())):
                _add(found, search, node, other, "requires")
            for other in sorted(search.old.get(node, ())):
                if other not in search.new:
                    _add(found, search, node, other, "drops")
        for node in level:
            if node in search.changes:
                for other in sorted(required_by.get(node, ())):
                    # A package is never added because of its own requirements.
                    if other in search.changes and search.changes[other].old:
                        _add(found, search, node, other, "follows")
        level = sorted(found.keys() - before)
    return found


def _add(
    found: dict[Node, _Found], search: _Search, node: Node, other: Node, relation: Relation
) -> None:
    """Record that a package moved because of another one, unless a shorter reason is known."""
    if other in found or other not in search.changes:
        return
    change = search.changes.get(node)
    parent, child = (other, node) if relation == "follows" else (node, other)
    found[other] = _Found(
        found[node].root,
        Cause(
            relation=relation,
            manager=node[0],
            name=node[1],
            version=change.new[-1] if change and change.new else "",
            requirement=search.needs.get((*parent, child[1]), ""),
        ),
    )


def _reversed(graph: Graph) -> dict[Node, set[Node]]:
    parents: dict[Node, set[Node]] = {}
    for node, required in graph.items():
        for other in required:
            parents.setdefault(other, set()).add(node)
    return parents


def _graphs(lock_set: LockSet) -> dict[str, Graph]:
    """Return the packages of each builder."""
    builders = {stage.name: stage.builder for stage in lock_set.image_set.stages}
    packages: dict[str, dict[int, PackageEntry]] = {}
    for scope, entries in as_lock(lock_set, lock_set.manifest.release).packages.items():
        if builder := builders.get(scope.environment):
            packages.setdefault(builder, {}).update({id(entry): entry for entry in entries})
    return {builder: _graph(entries.values()) for builder, entries in packages.items()}


def _graph(packages: Iterable[PackageEntry]) -> Graph:
    required: dict[Node, set[str]] = {}
    for package in packages:
        required.setdefault((package.manager, package.name), set()).update(package.requires)
    # A package of pip may require one of conda, for example.
    managers = {name: manager for manager, name in sorted(required, reverse=True)}
    return {
        node: {
            (node[0] if (node[0], name) in required else managers[name], name)
            for name in names
            if name in managers
        }
        for node, names in required.items()
    }
