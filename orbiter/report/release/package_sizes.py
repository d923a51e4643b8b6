"""The sizes of the packages of an image: the largest ones, and the rest by manager. Pure."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from orbiter.lockfiles.types import PackageEntry
from orbiter.report.phrases import count_of, printable

MOST = 100
"""Packages of an image that have a rectangle and a row; a page must not grow without limit."""


class PackageSize(NamedTuple):
    """A package, or several of a manager together, with the size of its files in bytes."""

    manager: str
    name: str
    version: str
    size: int


class ImageSizes(NamedTuple):
    """The sizes in an image.

    ``unknown`` counts the packages without a known size, by manager. ``inside`` counts packages
    that are in the file of another package.
    """

    packages: tuple[PackageSize, ...]
    unknown: Mapping[str, int]
    inside: int

    @property
    def total(self) -> int:
        """Return the sum of all known sizes."""
        return sum(package.size for package in self.packages)

    def managers(self) -> dict[str, int]:
        """Return the known size of each manager, the largest first."""
        sizes: dict[str, int] = {}
        for package in self.packages:
            sizes[package.manager] = sizes.get(package.manager, 0) + package.size
        return dict(sorted(sizes.items(), key=lambda item: (-item[1], item[0])))


def sizes_of(
    entries: Iterable[PackageEntry], stored: Mapping[str, int], most: int = MOST
) -> ImageSizes:
    """Return the sizes of the packages of an image.

    ``stored`` has the sizes of files that the lock does not record, by hash.
    """
    known: list[PackageSize] = []
    unknown: dict[str, int] = {}
    inside = 0
    for entry in _distinct(entries):
        size = entry.size or sum(stored.get(digest, 0) for digest in hashes(entry))
        if size:
            known.append(_package(entry, size))
        elif entry.files:
            unknown[entry.manager] = unknown.get(entry.manager, 0) + 1
        else:
            inside += 1
    known.sort(key=lambda each: (-each.size, each.manager, each.name, each.version))
    packages = (*known[:most], *_others(known[most:]))
    return ImageSizes(packages=packages, unknown=dict(sorted(unknown.items())), inside=inside)


def hashes(entry: PackageEntry) -> tuple[str, ...]:
    """Return the hash of each file of a package."""
    return tuple(file.hashes[0] for file in entry.files if file.hashes)


def unknown_text(sizes: ImageSizes) -> str:
    """Format the number of packages without a known size: ``347 of npm and 197 of pip``."""
    return " and ".join(f"{number:,} of {name}" for name, number in sizes.unknown.items())


def _distinct(entries: Iterable[PackageEntry]) -> Iterable[PackageEntry]:
    """Return entries without those whose files another entry has."""
    return {(each.manager, each.name, each.version, each.files): each for each in entries}.values()


def _package(entry: PackageEntry, size: int) -> PackageSize:
    return PackageSize(entry.manager, printable(entry.name), printable(entry.version), size)


def _others(packages: Iterable[PackageSize]) -> list[PackageSize]:
    """Return the sum of some packages for each manager, the largest first."""
    by_manager: dict[str, list[int]] = {}
    for package in packages:
        by_manager.setdefault(package.manager, []).append(package.size)
    sums = [
        PackageSize(manager, count_of(len(sizes), "other package"), "", sum(sizes))
        for manager, sizes in by_manager.items()
    ]
    return sorted(sums, key=lambda each: (-each.size, each.manager))
