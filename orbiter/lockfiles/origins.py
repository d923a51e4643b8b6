"""Hosts that files come from: which ones are usual in a lock, and which file leaves them.

A lock may come from any mirror, so the usual hosts are not compared. A package whose files come
from another host than the others is what an attack looks like.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from orbiter.lockfiles.document import without_credentials
from orbiter.lockfiles.types import Lock, PackageEntry

INDEX_PATH = re.compile(r"/packages/(?:[0-9a-f]{2}/[0-9a-f]{2}/[0-9a-f]{60}|[\w.]+/\w/[\w.-]+)$")
"""Folder of a file in the public Python index, relative to the path of the index or its mirror."""

MANY = 2
"""Packages that a group needs so that its own most common host is usual."""


def origin_of(url: str) -> str:
    """Return the host of a URL, with its scheme unless that is https; "" for a path."""
    scheme, separator, rest = url.partition("://")
    if not separator or scheme.endswith("file"):
        return ""
    host = without_credentials(f"{scheme}://{rest}").partition("://")[2].partition("/")[0]
    scheme = scheme.rpartition("+")[2]
    return host if scheme == "https" or not host else f"{scheme}://{host}"


def folder_of(url: str) -> str:
    """Return the folder of a file's URL as its origin, without the folder within an index.

    An index names this folder by the file's own hash.
    """
    folder = url.partition("#")[0].partition("?")[0].rpartition("/")[0]
    origin = origin_of(url)
    if not origin:
        return ""
    path = folder.partition("://")[2].partition("/")[2]
    return f"{origin}{INDEX_PATH.sub('', f'/{path}')}".rstrip("/")


def host_of(folder: str) -> str:
    """Return the host of a folder, as ``origin_of`` returns that of a URL."""
    scheme, separator, rest = folder.partition("://")
    if separator:
        return f"{scheme}://{rest.partition('/')[0]}"
    return folder.partition("/")[0]


class UsualOrigins:
    """The most common host of a lock, and of each group (a channel or an index) in it."""

    def __init__(self, found: Iterable[tuple[str, str]]) -> None:
        """Count pairs of a group and a host; "" as a host is unknown."""
        counts = Counter((group, origin) for group, origin in found if origin)
        total: Counter[str] = Counter()
        for (_, origin), count in counts.items():
            total[origin] += count
        self.common = _most_common(total)
        self._groups: dict[str, str] = {}
        for group in {group for group, _ in counts}:
            of_group = Counter({key[1]: count for key, count in counts.items() if key[0] == group})
            usual = _most_common(of_group)
            if of_group[usual] >= MANY:
                self._groups[group] = usual

    def foreign(self, group: str, origin: str) -> str:
        """Return the host if it is unusual for the group, otherwise ""."""
        return "" if origin in {"", self.common, self._groups.get(group)} else origin


def _most_common(counts: Counter[str]) -> str:
    """Return the most common host; of equally common ones, one with https, then the first."""
    return min(counts, key=lambda host: (-counts[host], "://" in host, host), default="")


def with_foreign_sources(lock: Lock) -> Lock:
    """Return the lock with the host in the source of each package that leaves the usual one."""
    packages = {id(package): package for found in lock.packages.values() for package in found}
    managers = {package.manager for package in packages.values()}
    usual = {
        manager: UsualOrigins(
            pair
            for package in packages.values()
            if package.manager == manager
            for pair in _grouped(package)
        )
        for manager in managers
    }
    changed = {
        key: replace(package, source=source)
        for key, package in packages.items()
        if (source := _source(package, usual[package.manager])) != package.source
    }
    if not changed:
        return lock
    return replace(
        lock,
        packages={
            scope: tuple(changed.get(id(package), package) for package in found)
            for scope, found in lock.packages.items()
        },
    )


def _grouped(package: PackageEntry) -> Iterator[tuple[str, str]]:
    for host in {host_of(file.origin) for file in package.files}:
        yield package.source, host


def _source(package: PackageEntry, usual: UsualOrigins) -> str:
    hosts = {usual.foreign(*pair) for pair in _grouped(package)} - {""}
    named = [host for host in sorted(hosts) if host not in package.source]
    if not named:
        return package.source
    hosts_text = " and ".join(named)
    if "://" in package.source:  # an index with an address of its own
        return f"{package.source}, files from {hosts_text}"
    # The source is a channel, which is a path on its host.
    return "/".join(filter(None, (hosts_text, package.source)))
