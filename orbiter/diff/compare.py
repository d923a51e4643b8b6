"""Comparison of two locks; it counts every package name in every scope exactly once."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from orbiter.diff import versions
from orbiter.diff.build_files import file_changes
from orbiter.diff.hashes import hash_facts, mirrors
from orbiter.diff.image_sets import download_size, image_set_facts
from orbiter.diff.importance import RUNTIMES, Dependents
from orbiter.diff.name_changes import (
    NameChange,
    Packages,
    compare_packages,
    variant_of,
    variants_of,
)
from orbiter.diff.requirement_chains import PackageName, RequirementChains
from orbiter.diff.scopes import ScopePair, align_scopes, pair_scopes
from orbiter.diff.suggest import with_suggestion
from orbiter.diff.transport import transport_facts
from orbiter.diff.types import KINDS, Change, Diff, Fact, Occurrence, Side, Step
from orbiter.lockfiles.types import EntryFault, Lock, PackageEntry, Scope

KEPT = "kept"

FactsByKind = Mapping[str, Mapping[str, str]]


class Graphs(NamedTuple):
    """The relations between the packages of all scopes."""

    requirements: RequirementChains
    dependents: Dependents


class NameInScope(NamedTuple):
    """The packages of one name in one scope."""

    pair: ScopePair
    old: Packages
    new: Packages


Counts = dict[Scope, Mapping[str, int]]
"""Numbers of names by kind of change, or KEPT, for each scope."""
NameChanges = dict[tuple[PackageName, NameChange], list[NameInScope]]
"""The scopes in which a name changed in the same way."""


def diff(old: Lock, new: Lock) -> Diff:
    """Return the changes from ``old`` to ``new``.

    ``diff(a, a)`` is empty, and ``diff(b, a)`` mirrors ``diff(a, b)``.
    """
    old, new = align_scopes(old, new)
    pairs = pair_scopes(old, new)
    counts, name_changes = _compare_scopes(pairs)
    in_both = Counter(name for pair in pairs if not pair.one_sided for name in _names(pair))
    changes = _changes(name_changes, in_both)
    changed = {(change.manager, change.name) for change in changes}
    facts = _facts(old.facts, new.facts, pairs)
    facts += image_set_facts(old.lock_set, new.lock_set)
    facts += hash_facts((pair.old, pair.new) for pair in pairs)
    facts += transport_facts((pair.old, pair.new) for pair in pairs)
    result = Diff(
        old=_side(old),
        new=_side(new),
        changes=changes,
        facts=tuple(sorted(facts)),
        files=file_changes(old.lock_set, new.lock_set),
        faults=_notes(old, new, are_faults=True),
        counts=dict(sorted(counts.items())),
        kept=len(in_both.keys() - changed),
        notes=_notes(old, new, are_faults=False),
    )
    return with_suggestion(result)


def _compare_scopes(pairs: tuple[ScopePair, ...]) -> tuple[Counts, NameChanges]:
    """Return the counts of each scope, and the changes of names in scopes that both sides have."""
    counts: Counts = {}
    name_changes: NameChanges = defaultdict(list)
    known_mirrors = mirrors((pair.old, pair.new) for pair in pairs)
    for pair in pairs:
        tally = Counter(dict.fromkeys((*KINDS, KEPT), 0))
        for name, before, after in _packages_by_name(pair):
            # Most packages are equal, which is quick to check.
            is_equal = before == after
            change = None if is_equal else compare_packages(name[0], before, after, known_mirrors)
            if change is None:
                tally[KEPT] += 1
                continue
            tally[change.kind] += 1
            if not pair.one_sided:
                name_changes[name, change].append(NameInScope(pair, before, after))
        counts[pair.scope] = dict(tally)
    return counts, name_changes


def _side(lock: Lock) -> Side:
    size, unsized = download_size(lock)
    return Side(
        name=lock.name, format=lock.format, release=lock.release, download=size, unsized=unsized
    )


def _notes(*sides: Lock, are_faults: bool) -> tuple[str, ...]:
    return tuple(
        f"{side.name}: {note}"
        for side in sides
        for note in side.notes
        if isinstance(note, EntryFault) is are_faults
    )


def _packages_by_name(pair: ScopePair) -> Iterator[tuple[PackageName, Packages, Packages]]:
    """Yield each name with its packages on both sides."""
    old, new = _by_name(pair.old), _by_name(pair.new)
    for name in {**old, **new}:
        yield name, old.get(name, ()), new.get(name, ())


def _by_name(packages: Iterable[PackageEntry]) -> dict[PackageName, Packages]:
    by_name: dict[PackageName, Packages] = {}
    for package in packages:
        name = (package.manager, package.name)
        # Nearly all names have one package, so tuples need less memory than lists.
        by_name[name] = (*by_name[name], package) if name in by_name else (package,)
    return by_name


def _names(pair: ScopePair) -> set[PackageName]:
    return {(package.manager, package.name) for package in (*pair.old, *pair.new)}


def _occurrence(packages: NameInScope) -> Occurrence:
    old, new = variants_of(packages.old), variants_of(packages.new)
    if old != new:
        old, new = old - new, new - old
    # Otherwise only files differ; the variants then say in which builds.
    return Occurrence(packages.pair.scope, tuple(sorted(old)), tuple(sorted(new)))


def _changed(packages: NameInScope) -> tuple[Packages, Packages]:
    """Return the packages of a side, and those of the name that only this side has.

    It is the new side unless that has none. If only files differ, they are all of the new side.
    """
    pair, old, new = packages
    for side, own, other in ((pair.new, new, old), (pair.old, old, new)):
        only = variants_of(own) - variants_of(other)
        if changed := tuple(package for package in own if variant_of(package) in only):
            return side, changed
    return pair.new, new


def _changes(name_changes: NameChanges, in_both: Mapping[PackageName, int]) -> tuple[Change, ...]:
    """Return one change for all scopes in which a name changed in the same way."""
    graphs = Graphs(RequirementChains(), Dependents())
    changes = [
        _change(name, change, scopes, graphs, everywhere=len(scopes) == in_both[name])
        for (name, change), scopes in name_changes.items()
    ]
    return tuple(sorted(changes, key=_importance))


def _importance(change: Change) -> tuple[object, ...]:
    is_requested = change.direct and not change.guessed
    return (
        not change.altered,
        not change.elsewhere and not change.sources,
        not is_requested,
        not (change.guessed and change.name in RUNTIMES),
        -change.dependents,
        not change.direct,
        KINDS.index(change.kind),
        change.manager,
        change.name,
        change.old,
    )


def _change(
    name: PackageName,
    change: NameChange,
    scopes: list[NameInScope],
    graphs: Graphs,
    *,
    everywhere: bool,
) -> Change:
    changed = list(map(_changed, scopes))
    chains = [graphs.requirements.chain(*packages) for packages in changed]
    guessed = all(package.direct is None for package in (*scopes[0].old, *scopes[0].new))
    return Change(
        manager=name[0],
        name=name[1],
        kind=change.kind,
        old=change.old,
        new=change.new,
        stays=change.stays,
        where=tuple(sorted(map(_occurrence, scopes))),
        everywhere=everywhere,
        step=_step(name[0], change),
        direct=any(len(chain) == 1 for chain in chains),
        guessed=guessed,
        dependents=graphs.dependents.count(changed[0][0], name) if guessed else 0,
        why=min(filter(None, chains), key=lambda chain: (len(chain), chain), default=()),
        altered=change.altered,
        elsewhere=change.elsewhere,
        sources=change.sources,
        grown=_growth(scopes[0]),
        licences=_licence_change(scopes[0]),
    )


def _step(manager: str, change: NameChange) -> Step:
    if change.kind in {"rebuilt", "moved"}:
        return "build"
    if not change.old or not change.new:
        return ""
    return versions.version_step(manager, change.old[-1], change.new[-1])


def _growth(packages: NameInScope) -> int | None:
    """Return the additional bytes in a scope.

    None if a size is unknown, or if machines get one of several versions.
    """
    sides = (packages.old, packages.new)
    # Markers select one of the versions, so a sum would be wrong.
    if any(len(side) > 1 and side[0].manager == "pip" for side in sides):
        return None
    old, new = ([package.size for package in side] for side in sides)
    return sum(new) - sum(old) if all((*old, *new)) else None


def _licence_change(packages: NameInScope) -> tuple[str, str] | None:
    old, new = _licences(packages.old), _licences(packages.new)
    return (old, new) if old and new and old != new else None


def _licences(packages: Packages) -> str:
    licences = {package.licence for package in packages if package.licence}
    return " or ".join(sorted(licences))


def _facts(old: FactsByKind, new: FactsByKind, pairs: tuple[ScopePair, ...]) -> list[Fact]:
    """Return the facts that differ, of the kinds that both formats have."""
    facts: dict[tuple[str, str], Fact] = {}
    # A kind that one format lacks does not mean that its values were added.
    for kind in old.keys() & new.keys():
        for name in {**old[kind], **new[kind]}:
            before, after = old[kind].get(name, ""), new[kind].get(name, "")
            facts[kind, name] = Fact(kind=kind, name=name, old=before, new=after)
    for fact in (pair.as_fact() for pair in pairs if pair.one_sided):
        facts[fact.kind, fact.name] = fact  # more precise than the fact of a platform
    return [fact for fact in facts.values() if fact.old != fact.new]
