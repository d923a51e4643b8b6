"""Packages from another host than almost all others of their index, as an attack makes them."""

from collections import Counter
from collections.abc import Iterable, Iterator

from orbiter.lint.entries import finding
from orbiter.lint.hosts import is_allowed
from orbiter.lint.lines import Lines
from orbiter.lint.types import Finding, Settings
from orbiter.lockfiles.origins import host_of
from orbiter.lockfiles.types import PackageEntry

USUAL = 10
"""Packages that a host needs for each package of an unusual one."""


def find_unusual_hosts(
    entries: Iterable[PackageEntry], lines: Lines, settings: Settings
) -> Iterator[Finding]:
    """Yield the packages from a host that has less than a tenth as many as the most common one."""
    groups: dict[tuple[str, str], list[tuple[PackageEntry, str]]] = {}
    for entry in entries:
        for host in sorted({host_of(file.origin) for file in entry.files} - {""}):
            groups.setdefault(_group(entry), []).append((entry, host))
    for members in groups.values():
        counts = Counter(host for _, host in members)
        usual, most = counts.most_common(1)[0]
        for entry, host in members:
            is_rare = counts[host] * USUAL < most
            name = host.rpartition("://")[2].partition(":")[0]
            if is_rare and not is_allowed(name, settings.allowed_hosts):
                message = f"from {host}, but {most} packages are from {usual}"
                yield finding("unusual-host", entry, lines, message)


def _group(entry: PackageEntry) -> tuple[str, str]:
    """Return the manager and the index of an entry; readers of npm name no index."""
    return entry.manager, "" if entry.manager == "npm" else entry.source.partition(", files")[0]
