"""Comparison of file hashes: altered files, and hashes that only one side has."""

from collections.abc import Callable, Iterable, Iterator

from orbiter.diff.types import Fact
from orbiter.lockfiles.types import PackageEntry, PackageFile

NAMES_IN_FACT = 5

Identity = tuple[str, str, str, str]
"""Manager, name, version and build of a package."""

HashTest = Callable[[set[str], set[str]], bool]


def hash_facts(
    scopes: Iterable[tuple[Iterable[PackageEntry], Iterable[PackageEntry]]],
) -> Iterator[Fact]:
    """Yield facts about packages that have hashes on one side only."""
    lost: set[Identity] = set()
    gained: set[Identity] = set()
    for old, new in scopes:
        had, has = _has_hashes(old), _has_hashes(new)
        in_both = had.keys() & has.keys()
        lost |= {package for package in in_both if had[package] and not has[package]}
        gained |= {package for package in in_both if has[package] and not had[package]}
    if lost:
        yield Fact(kind="hashes", name="no longer in the lock", old=_format_names(lost))
    if gained:
        yield Fact(kind="hashes", name="now in the lock", new=_format_names(gained))


def _has_hashes(packages: Iterable[PackageEntry]) -> dict[Identity, bool]:
    """Return, for each package, whether any of its files has a hash."""
    result: dict[Identity, bool] = {}
    for package in packages:
        identity = (package.manager, package.name, package.version, package.build)
        has_hash = any(file.hashes for file in package.files)
        result[identity] = result.get(identity, False) or has_hash
    return result


def _format_names(packages: set[Identity]) -> str:
    names = sorted({f"{manager} {name}" for manager, name, _, _ in packages})
    listed = ", ".join(names[:NAMES_IN_FACT])
    more = len(names) - NAMES_IN_FACT
    return f"{listed} and {more} more" if more > 0 else listed


def has_altered_file(old: list[PackageFile], new: list[PackageFile]) -> bool:
    """Return whether a file with the same name has other hashes.

    If both locks have hashes without file names, a removed and an added hash indicate an altered
    file. If only one of them has file names, a file is altered only if all hashes differ.
    """
    old_hashes, new_hashes = _hashes_by_name(old), _hashes_by_name(new)
    # One format omits file names, so only all hashes together are comparable.
    if ("" in old_hashes) != ("" in new_hashes):
        all_old = set().union(*old_hashes.values())
        all_new = set().union(*new_hashes.values())
        return _any_algorithm(all_old, all_new, set.isdisjoint)
    for name in old_hashes.keys() & new_hashes.keys():
        is_altered = set.__ne__ if name else _replaces_any
        if _any_algorithm(old_hashes[name], new_hashes[name], is_altered):
            return True
    return False


def _replaces_any(old: set[str], new: set[str]) -> bool:
    return bool(old - new and new - old)


def _any_algorithm(old: set[str], new: set[str], test: HashTest) -> bool:
    """Return whether a test holds for the hashes of any algorithm that both sides have."""
    for algorithm in _algorithms(old) & _algorithms(new):
        old_values = _of_algorithm(old, algorithm)
        new_values = _of_algorithm(new, algorithm)
        if test(old_values, new_values):
            return True
    return False


def _of_algorithm(hashes: set[str], algorithm: str) -> set[str]:
    return {value for value in hashes if value.startswith(f"{algorithm}:")}


def _hashes_by_name(files: list[PackageFile]) -> dict[str, set[str]]:
    hashes: dict[str, set[str]] = {}
    for file in files:
        hashes.setdefault(file.name, set()).update(file.hashes)
    return hashes


def has_other_hashes(old: list[PackageFile], new: list[PackageFile]) -> bool:
    """Return whether any hash differs, among the algorithms that both sides have."""
    old_hashes, new_hashes = _all_hashes(old), _all_hashes(new)
    common = _algorithms(old_hashes) & _algorithms(new_hashes)
    different = _algorithms(old_hashes ^ new_hashes)
    return not common.isdisjoint(different)


def _all_hashes(files: list[PackageFile]) -> set[str]:
    hashes: set[str] = set()
    for file in files:
        hashes.update(file.hashes)
    return hashes


def _algorithms(hashes: set[str]) -> set[str]:
    return {value.partition(":")[0] for value in hashes}
