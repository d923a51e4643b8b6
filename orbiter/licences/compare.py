"""The licences that differ between two locks. Pure."""

from collections.abc import Iterator, Mapping

from orbiter.licences.expressions import expression_of
from orbiter.licences.model import ChangedLicence, DeniedPackage, LicenceChanges, LicenceUse
from orbiter.licences.policy import denied_licences, identifiers
from orbiter.lockfiles.lock_set import INSTALLERS
from orbiter.lockfiles.types import Lock

LicencesByPackage = Mapping[tuple[str, str], tuple[str, ...]]
"""The licences of the versions of each package, by manager and name; "" for an unknown one."""


def licence_changes(old: Lock, new: Lock, denied: tuple[str, ...] = ()) -> LicenceChanges:
    """Return the licences that differ between two locks, and the packages that entries deny."""
    before, after = _licences(old), _licences(new)
    old_uses, new_uses = _uses(before), _uses(after)
    return LicenceChanges(
        introduced=_only(new_uses, old_uses),
        dropped=_only(old_uses, new_uses),
        changed=tuple(
            ChangedLicence(manager=name[0], name=name[1], old=before[name], new=after[name])
            for name in sorted(before.keys() & after.keys())
            if before[name] != after[name] and "" not in (*before[name], *after[name])
        ),
        denied=tuple(_denied(before, after, denied)),
        unknown_old=_count_unknown(before),
        unknown_new=_count_unknown(after),
    )


def _licences(lock: Lock) -> LicencesByPackage:
    found: dict[tuple[str, str], set[str]] = {}
    for scope, entries in lock.packages.items():
        if scope.environment != INSTALLERS:  # no image contains them
            for entry in entries:
                licence = expression_of(entry.licence) or entry.licence
                found.setdefault((entry.manager, entry.name), set()).add(licence)
    return {name: tuple(sorted(licences)) for name, licences in found.items()}


def _uses(licences: LicencesByPackage) -> Mapping[str, tuple[str, ...]]:
    """Return the names of the packages of each licence."""
    uses: dict[str, set[str]] = {}
    for (_, name), texts in licences.items():
        for text in texts:
            for licence in identifiers(expression_of(text)) or (text,):
                uses.setdefault(licence, set()).add(name)
    uses.pop("", None)
    return {licence: tuple(sorted(names)) for licence, names in uses.items()}


def _only(
    uses: Mapping[str, tuple[str, ...]], others: Mapping[str, tuple[str, ...]]
) -> tuple[LicenceUse, ...]:
    """Return the licences that the others do not have; none if the other lock has no licences."""
    if not others:
        return ()
    names = sorted(uses.keys() - others.keys(), key=str.lower)
    return tuple(LicenceUse(licence=name, packages=uses[name]) for name in names)


def _denied(
    old: LicencesByPackage, new: LicencesByPackage, entries: tuple[str, ...]
) -> Iterator[DeniedPackage]:
    for name in sorted(new):
        denied = _all_denied(new[name], entries) - _all_denied(old.get(name, ()), entries)
        if denied:
            yield DeniedPackage(manager=name[0], name=name[1], licences=tuple(sorted(denied)))


def _all_denied(texts: tuple[str, ...], entries: tuple[str, ...]) -> set[str]:
    expressions = (expression_of(text) for text in texts)
    return {name for each in expressions for name in denied_licences(each, entries)}


def _count_unknown(licences: LicencesByPackage) -> int:
    return sum(not all(expression_of(text) for text in texts) for texts in licences.values())
