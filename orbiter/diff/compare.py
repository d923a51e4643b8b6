"""Compares two locks: every name of a package at every place is accounted for exactly once. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from orbiter.diff import versions
from orbiter.diff.hashes import altered as altered_files
from orbiter.diff.hashes import differ, hash_facts
from orbiter.diff.scopes import ScopePair, align_scopes, pair_scopes
from orbiter.diff.suggest import with_suggestion
from orbiter.diff.types import KINDS, Change, Diff, Fact, Kind, Occurrence, Side, Step, Variant
from orbiter.diff.why import Reasons
from orbiter.lockfiles.types import Lock, PackageEntry, PackageFile, Scope

Name = tuple[str, str]
"""Manager and name."""
KEPT = "kept"


class _Found(NamedTuple):
    """What became of one name at one place; the fields as in Change."""

    kind: Kind
    old: tuple[str, ...]
    new: tuple[str, ...]
    stays: tuple[str, ...]
    altered: bool


class _At(NamedTuple):
    """One name at one place."""

    pair: ScopePair
    old: tuple[PackageEntry, ...]
    new: tuple[PackageEntry, ...]


def diff(old: Lock, new: Lock) -> Diff:
    """What changed from ``old`` to ``new``. ``diff(a, a)`` is empty, ``diff(b, a)`` mirrors ``diff(a, b)``."""
    old, new = align_scopes(old, new)
    pairs = pair_scopes(old, new)
    counts: dict[Scope, Counter[str]] = {}
    found: dict[tuple[Name, _Found], list[_At]] = {}
    for pair in pairs:
        befores, afters = _by_name(pair.old), _by_name(pair.new)
        tally = counts[pair.place] = Counter()
        for name in {**befores, **afters}:
            before, after = befores.get(name, ()), afters.get(name, ())
            became = None if before == after else _became(name[0], before, after)
            tally[became.kind if became else KEPT] += 1
            if became and not pair.whole:
                found.setdefault((name, became), []).append(_At(pair, before, after))
    changes = _changes(found, pairs)
    moved = {(change.manager, change.name) for change in changes}
    whole = {name for pair in pairs if not pair.whole for name in _names(pair)}
    facts = _facts(old.facts, new.facts, pairs)
    facts += tuple(hash_facts((pair.old, pair.new) for pair in pairs))
    result = Diff(
        old=Side(name=old.name, format=old.format, release=old.release),
        new=Side(name=new.name, format=new.format, release=new.release),
        changes=changes,
        facts=tuple(sorted(facts)),
        counts={
            place: {kind: tally[kind] for kind in (*KINDS, KEPT)}
            for place, tally in sorted(counts.items())
        },
        kept=len(whole - moved),
        notes=(
            *(f"{old.name}: {note}" for note in old.notes),
            *(f"{new.name}: {note}" for note in new.notes),
        ),
    )
    return with_suggestion(result)


def _by_name(packages: Iterable[PackageEntry]) -> dict[Name, tuple[PackageEntry, ...]]:
    found: dict[Name, tuple[PackageEntry, ...]] = {}
    for package in packages:
        name = (package.manager, package.name)
        found[name] = (*found[name], package) if name in found else (package,)
    return found


def _names(pair: ScopePair) -> set[Name]:
    return {(package.manager, package.name) for side in (pair.old, pair.new) for package in side}


def _became(
    manager: str, old: tuple[PackageEntry, ...], new: tuple[PackageEntry, ...]
) -> _Found | None:
    """None where a name's packages are the same in all that identifies them."""
    before, after = {p.version for p in old}, {p.version for p in new}
    stays = _ordered(manager, before & after) if old and new else ()
    gone, came = _ordered(manager, before - after), _ordered(manager, after - before)
    altered, other_files = _files(old, new)
    if not old or not new:
        return _Found("removed" if old else "added", gone, came, (), False)
    if before != after:
        return _Found(_moved_to(manager, before, after, gone, came), gone, came, stays, altered)
    if {(p.version, p.build) for p in old} != {(p.version, p.build) for p in new}:
        return _Found("rebuilt", stays, stays, (), altered)
    if {(p.version, p.build, p.source) for p in old} != {
        (p.version, p.build, p.source) for p in new
    }:
        return _Found("moved", stays, stays, (), altered)
    return _Found("rebuilt", stays, stays, (), altered) if other_files else None


def _moved_to(
    manager: str, old: set[str], new: set[str], gone: tuple[str, ...], came: tuple[str, ...]
) -> Kind:
    """What went is compared with what came; where a version only went or only came, the newest of all are."""
    before, after = (
        (gone, came) if gone and came else (_ordered(manager, old), _ordered(manager, new))
    )
    order = versions.compare(manager, before[-1], after[-1])
    return "upgraded" if order == -1 else "downgraded" if order == 1 else "changed"


def _ordered(manager: str, names: Iterable[str]) -> tuple[str, ...]:
    """Versions in their order, those that have none by text before the others."""
    known = sorted(names)
    if len(known) < 2:  # noqa: PLR2004 # nothing to order
        return tuple(known)
    keys = {name: key for name in known if (key := versions.key(manager, name)) is not None}
    return (*(name for name in known if name not in keys), *sorted(keys, key=keys.__getitem__))


def _files(old: tuple[PackageEntry, ...], new: tuple[PackageEntry, ...]) -> tuple[bool, bool]:
    """Whether a file of the same version and build has another hash, and whether the files differ at all."""
    before: dict[tuple[str, str], list[PackageFile]] = {}
    for package in old:
        before.setdefault((package.version, package.build), []).extend(package.files)
    after: dict[tuple[str, str], list[PackageFile]] = {}
    for package in new:
        after.setdefault((package.version, package.build), []).extend(package.files)
    both = [
        (before[form], after[form])
        for form in before.keys() & after.keys()
        if before[form] != after[form]
    ]
    return any(altered_files(*files) for files in both), any(differ(*files) for files in both)


def _where(
    pair: ScopePair, old: tuple[PackageEntry, ...], new: tuple[PackageEntry, ...]
) -> Occurrence:
    before, after = _variants(old), _variants(new)
    same = before == after  # then only files differ, and the variant is worth naming
    gone, came = (before, after) if same else (before - after, after - before)
    return Occurrence(pair.place, tuple(sorted(gone)), tuple(sorted(came)))


def _variants(packages: tuple[PackageEntry, ...]) -> set[Variant]:
    return {Variant(package.version, package.build, package.source) for package in packages}


def _changes(
    found: Mapping[tuple[Name, _Found], list[_At]], pairs: tuple[ScopePair, ...]
) -> tuple[Change, ...]:
    """One change for all places at which the same became of a name."""
    reasons = Reasons()
    spread: Counter[Name] = Counter()
    for pair in pairs:
        if not pair.whole:
            spread.update(_names(pair))
    changes = [
        _change(name, became, places, reasons, everywhere=len(places) == spread[name])
        for (name, became), places in found.items()
    ]
    order = {kind: number for number, kind in enumerate(KINDS)}
    return tuple(
        sorted(
            changes,
            key=lambda c: (not c.altered, not c.direct, order[c.kind], c.manager, c.name, c.old),
        )
    )


def _change(
    name: Name, became: _Found, places: list[_At], reasons: Reasons, *, everywhere: bool
) -> Change:
    sides = [at.pair.old if became.kind == "removed" else at.pair.new for at in places]
    chains = [reasons.chain(side, *name) for side in sides]
    return Change(
        manager=name[0],
        name=name[1],
        kind=became.kind,
        old=became.old,
        new=became.new,
        stays=became.stays,
        where=tuple(sorted(_where(*at) for at in places)),
        everywhere=everywhere,
        step=_step(name[0], became),
        direct=any(len(chain) == 1 for chain in chains),
        why=min(
            (chain for chain in chains if chain), key=lambda chain: (len(chain), chain), default=()
        ),
        altered=became.altered,
        grown=_grown(places[0]),
        licences=_licences(places[0]),
    )


def _step(manager: str, became: _Found) -> Step:
    if became.kind in {"rebuilt", "moved"}:
        return "build"
    return (
        versions.step(manager, became.old[-1], became.new[-1]) if became.old and became.new else ""
    )


def _grown(at: _At) -> int | None:
    """Bytes more at one place, None where a size is not known, or where a machine gets one of several versions."""
    if any(len(side) > 1 and side[0].manager == "pip" for side in (at.old, at.new)):
        return None
    old, new = ([package.size for package in side] for side in (at.old, at.new))
    return sum(new) - sum(old) if all((*old, *new)) else None


def _licences(at: _At) -> tuple[str, str] | None:
    old, new = (
        " or ".join(sorted({package.licence for package in side if package.licence}))
        for side in (at.old, at.new)
    )
    return (old, new) if old and new and old != new else None


def _facts(
    old: Mapping[str, Mapping[str, str]],
    new: Mapping[str, Mapping[str, str]],
    pairs: tuple[ScopePair, ...],
) -> tuple[Fact, ...]:
    """Facts that differ; a kind that only one side's format knows of says nothing."""
    found = {
        (kind, name): Fact(
            kind=kind, name=name, old=old[kind].get(name, ""), new=new[kind].get(name, "")
        )
        for kind in old.keys() & new.keys()
        for name in {**old[kind], **new[kind]}
    }
    found |= {
        (fact.kind, fact.name): fact for fact in (pair.fact() for pair in pairs if pair.whole)
    }
    return tuple(fact for fact in found.values() if fact.old != fact.new)
