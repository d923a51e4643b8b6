"""From solutions, one per platform, to the content of a lock."""

from collections.abc import Callable, Iterable, Mapping, Set
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

import msgspec

from resolvers.distro.lock_text import LockedGroup
from resolvers.types.request import NOTE, Group, LockWarning, Request

K = TypeVar("K")
P = TypeVar("P", bound=msgspec.Struct)
S = TypeVar("S")


class IndexRecord(Protocol):
    """A package of an index."""

    @property
    def name(self) -> str:
        """Name of the package."""

    @property
    def provides(self) -> tuple[str, ...]:
        """Names of its virtual packages."""


def solve_platforms(request: Request, solve: Callable[[str], S]) -> dict[str, S]:
    """Solve for all platforms at the same time; return the solutions by platform."""
    platforms = [target.platform for target in request.targets]
    # Each thread waits for a container, and an emulated platform takes much longer than others.
    with ThreadPoolExecutor(max_workers=len(platforms)) as pool:
        solutions = pool.map(solve, platforms)
        return dict(zip(platforms, solutions, strict=True))


def report_as_of(request: Request, manager: str) -> None:
    """Report that a request for the past state of the index has no effect."""
    if request.as_of:
        request.progress(
            f"{NOTE}as-of has no effect on {manager}: mirrors only have the current index"
        )


def warn_about_repositories(request: Request) -> None:
    """Warn that a lock of the past has the present packages of the repositories in images.toml."""
    names = ", ".join(repository.name for repository in request.system.repositories)
    if request.as_of and names:
        text = f"as-of has no effect on the repositories of images.toml: {names}"
        request.warn(LockWarning("", text, "they have no snapshots: check the versions"))


def adding_groups(groups: tuple[Group, ...], content: Mapping[str, Set[K]]) -> dict[K, list[str]]:
    """Return the groups that add a package to those of their parents, by package.

    ``content`` maps a group to all packages that are installed after it.
    """
    adding: dict[K, list[str]] = {}
    for group in groups:
        added = set(content[group.name])
        for parent in group.parents:
            # A parent without requirements is not among the groups, and adds nothing.
            added -= content.get(parent, frozenset())
        for package in added:
            adding.setdefault(package, []).append(group.name)
    return adding


def package_providers(records: Iterable[IndexRecord]) -> dict[str, str]:
    """Return the package for every name that a dependency may have.

    A package comes before those that only provide its name.
    """
    providers: dict[str, str] = {}
    # In the order of names, because several packages may provide a name.
    by_name = sorted(records, key=lambda record: record.name)
    for record in by_name:
        for name in record.provides:
            providers.setdefault(name, record.name)
    for record in by_name:
        providers[record.name] = record.name
    return providers


def merge_platforms(packages: Mapping[str, Iterable[P]]) -> list[P]:
    """Return each package once, with the platforms that have it in its field ``platforms``."""
    merged: dict[P, list[str]] = {}
    for platform, members in packages.items():
        for package in members:
            merged.setdefault(package, []).append(platform)
    return [
        msgspec.structs.replace(package, platforms=tuple(sorted(platforms)))
        for package, platforms in merged.items()
    ]


def locked_groups(groups: tuple[Group, ...]) -> dict[str, LockedGroup]:
    """Return the requirements of the groups as a lock holds them."""
    return {
        group.name: LockedGroup(requirements=tuple(sorted(set(group.requirements))))
        for group in groups
    }
