"""What the hashes of files say: which look like tampering, and which are not told any more. Pure."""

from collections.abc import Callable, Iterable, Iterator

from orbiter.diff.types import Fact
from orbiter.lockfiles.types import PackageEntry, PackageFile

NAMED = 5
"""How many packages are named before they are only counted."""


Form = tuple[str, str, str, str]
"""Manager, name, version and build."""


def hash_facts(
    places: Iterable[tuple[Iterable[PackageEntry], Iterable[PackageEntry]]],
) -> Iterator[Fact]:
    """Facts of packages of one version and build that had hashes and have none now, or the other way round."""
    lost: set[Form] = set()
    found: set[Form] = set()
    for old, new in places:
        before, after = _told(old), _told(new)
        both = before.keys() & after.keys()
        lost |= {form for form in both if before[form] and not after[form]}
        found |= {form for form in both if after[form] and not before[form]}
    if lost:
        yield Fact(kind="hashes", name="no longer told", old=_listed(lost))
    if found:
        yield Fact(kind="hashes", name="told now", new=_listed(found))


def _told(packages: Iterable[PackageEntry]) -> dict[Form, bool]:
    """Whether any hash of a package's files is known."""
    told: dict[Form, bool] = {}
    for package in packages:
        form = (package.manager, package.name, package.version, package.build)
        told[form] = told.get(form, False) or any(file.hashes for file in package.files)
    return told


def _listed(forms: set[Form]) -> str:
    names = {f"{manager} {name}" for manager, name, _, _ in forms}
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(sorted(names)[:NAMED]) + more


def altered(old: list[PackageFile], new: list[PackageFile]) -> bool:
    """Whether a file of one name has other hashes. Where both locks name no files, one hash that went and another that
    came are a file that changed; where only one of them does, nothing less than all hashes tells."""
    before, after = _hashes_by_name(old), _hashes_by_name(new)
    if ("" in before) != ("" in after):
        return _compared([set().union(*before.values())], [set().union(*after.values())], _apart)
    named = sorted((before.keys() & after.keys()) - {""})
    if _compared([before[name] for name in named], [after[name] for name in named], set.__ne__):
        return True
    return "" in before and _compared([before[""]], [after[""]], lambda a, b: bool(a - b and b - a))


def _compared(
    old: list[set[str]], new: list[set[str]], tell: Callable[[set[str], set[str]], bool]
) -> bool:
    """Whether ``tell`` holds for any two sets of hashes, by the algorithms that both have."""
    return any(
        tell({h for h in a if h.startswith(f"{kind}:")}, {h for h in b if h.startswith(f"{kind}:")})
        for a, b in zip(old, new, strict=True)
        for kind in _algorithms(a) & _algorithms(b)
    )


def _apart(old: set[str], new: set[str]) -> bool:
    return not old & new


def _hashes_by_name(files: list[PackageFile]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for file in files:
        found.setdefault(file.name, set()).update(file.hashes)
    return found


def differ(old: list[PackageFile], new: list[PackageFile]) -> bool:
    """Whether two lists of files differ in any hash, by the algorithms that both have."""
    before, after = ({each for file in files for each in file.hashes} for files in (old, new))
    common = _algorithms(before) & _algorithms(after)
    return any(each.partition(":")[0] in common for each in before ^ after)


def _algorithms(hashes: set[str]) -> set[str]:
    return {each.partition(":")[0] for each in hashes}
