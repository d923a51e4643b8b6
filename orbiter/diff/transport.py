"""Packages whose files are fetched over plain http in one of two locks only.

``orbiter.lockfiles.origins`` adds an unusual host to the source of a package. It leaves out the
usual host, so a lock whose packages all change to http has the same sources as before.
"""

from collections.abc import Iterable, Iterator

from orbiter.diff.hashes import format_names
from orbiter.diff.types import Fact
from orbiter.lockfiles.types import PackageEntry

KIND = "addresses"
PLAIN = "http://"

PackageName = tuple[str, str]
"""Manager and name of a package."""


def transport_facts(
    scopes: Iterable[tuple[Iterable[PackageEntry], Iterable[PackageEntry]]],
) -> Iterator[Fact]:
    """Yield facts about packages that change from https to http, or back."""
    lost: set[PackageName] = set()
    gained: set[PackageName] = set()
    for old, new in scopes:
        before, after = _uses_http(old), _uses_http(new)
        in_both = before.keys() & after.keys()
        lost |= {name for name in in_both if before[name] and not after[name]}
        gained |= {name for name in in_both if after[name] and not before[name]}
    if lost:
        yield Fact(kind=KIND, name="no longer http", old=format_names(lost))
    if gained:
        yield Fact(kind=KIND, name="now http instead of https", new=format_names(gained))


def _uses_http(packages: Iterable[PackageEntry]) -> dict[PackageName, bool]:
    """Return, for each package with known addresses, whether any of them is plain http.

    Leaves out packages whose source says so: their change is reported as another source.
    """
    result: dict[PackageName, bool] = {}
    for package in packages:
        origins = [file.origin for file in package.files if file.origin]
        if origins and PLAIN not in package.source:
            name = (package.manager, package.name)
            is_plain = any(origin.startswith(PLAIN) for origin in origins)
            result[name] = result.get(name, False) or is_plain
    return result
