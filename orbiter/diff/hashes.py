"""Comparison of file hashes: altered files, and hashes that only one side has."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Literal

from orbiter.diff.types import Fact
from orbiter.lockfiles.origins import host_of
from orbiter.lockfiles.types import PackageEntry, PackageFile

NAMES_IN_FACT = 5

Identity = tuple[str, str, str, str]
"""Manager, name, version and build of a package."""

HostPair = tuple[str, str]
"""An old and a new host."""

Alteration = Literal["", "elsewhere", "altered"]
ALTERATIONS: tuple[Alteration, ...] = ("", "elsewhere", "altered")
"""Findings about the files of a build, the most severe last."""

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
        yield Fact(
            kind="hashes",
            name="no longer in the lock",
            old=format_names({package[:2] for package in lost}),
        )
    if gained:
        yield Fact(
            kind="hashes",
            name="now in the lock",
            new=format_names({package[:2] for package in gained}),
        )


def _has_hashes(packages: Iterable[PackageEntry]) -> dict[Identity, bool]:
    """Return, for each package, whether any of its files has a hash."""
    result: dict[Identity, bool] = {}
    for package in packages:
        identity = (package.manager, package.name, package.version, package.build)
        has_hash = any(file.hashes for file in package.files)
        result[identity] = result.get(identity, False) or has_hash
    return result


def format_names(packages: Iterable[tuple[str, str]]) -> str:
    """Return the managers and names of packages as a text; of many packages only the first."""
    names = sorted({f"{manager} {name}" for manager, name in packages})
    listed = ", ".join(names[:NAMES_IN_FACT])
    more = len(names) - NAMES_IN_FACT
    return f"{listed} and {more} more" if more > 0 else listed


def mirrors(
    scopes: Iterable[tuple[Iterable[PackageEntry], Iterable[PackageEntry]]],
) -> frozenset[HostPair]:
    """Return the pairs of hosts of which the new one has mostly the same files as the old one.

    A file with another hash on a mirror is altered, and not another file from elsewhere.
    """
    kept: Counter[HostPair] = Counter()
    for old, new in scopes:
        before = dict(_files_of_packages(old))
        for key, file in _files_of_packages(new):
            hosts = (
                (host_of(before[key].origin), host_of(file.origin)) if key in before else ("", "")
            )
            if all(hosts) and hosts[0] != hosts[1]:
                is_kept = not _any_algorithm(set(before[key].hashes), set(file.hashes), set.__ne__)
                kept[hosts] += 1 if is_kept else -1
    return frozenset(hosts for hosts, majority in kept.items() if majority > 0)


def _files_of_packages(
    packages: Iterable[PackageEntry],
) -> Iterator[tuple[tuple[str, str], PackageFile]]:
    for package in packages:
        for file in package.files:
            yield (package.manager, file.name), file


def altered_file(
    old: list[PackageFile], new: list[PackageFile], known_mirrors: frozenset[HostPair] = frozenset()
) -> Alteration:
    """Return whether a file with the same name has other hashes, and if it is from elsewhere.

    If both locks have hashes without file names, a removed and an added hash indicate an altered
    file. If only one of them has file names, a file is altered only if all hashes differ.
    """
    old_files, new_files = _by_name(old), _by_name(new)
    # One format omits file names, so only all hashes together are comparable.
    if ("" in old_files) != ("" in new_files):
        is_altered = _any_algorithm(_all_hashes(old), _all_hashes(new), set.isdisjoint)
        return "altered" if is_altered else ""
    found: set[Alteration] = set()
    for name in old_files.keys() & new_files.keys():
        before, after = old_files[name], new_files[name]
        is_other = set.__ne__ if name else _replaces_any
        if _any_algorithm(_all_hashes(before), _all_hashes(after), is_other):
            is_elsewhere = _is_elsewhere(before, after, known_mirrors)
            found.add("elsewhere" if is_elsewhere else "altered")
    return max(found, key=ALTERATIONS.index, default="")


def _is_elsewhere(
    old: list[PackageFile], new: list[PackageFile], known_mirrors: frozenset[HostPair]
) -> bool:
    """Return whether all files come from other places than before."""
    before, after = {file.origin for file in old}, {file.origin for file in new}
    if "" in before | after or not before.isdisjoint(after):
        return False
    hosts = {(host_of(one), host_of(other)) for one in before for other in after}
    return hosts.isdisjoint(known_mirrors)


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


def _by_name(files: list[PackageFile]) -> dict[str, list[PackageFile]]:
    by_name: dict[str, list[PackageFile]] = {}
    for file in files:
        by_name.setdefault(file.name, []).append(file)
    return by_name


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
