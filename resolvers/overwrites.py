"""Packages that install the same file with different content, for conda and pip alike. Pure.

Which of them wins would depend on the installer and on chance, so a lock allows it only by name.
"""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

FileList = Mapping[str, str]
"""The files of a package: paths inside /opt/env to texts that are equal if the contents are."""
SITE_PACKAGES = "site-packages"
"""Begins the paths of Python modules in a FileList, whatever the version of Python."""


class PackageFiles(msgspec.Struct, frozen=True, kw_only=True):
    """A package as a stage installs it, with its files.

    ``position`` counts the steps of the build: a package with a higher one is installed later.
    """

    manager: str
    name: str
    version: str
    files: FileList
    position: int = 0

    def __str__(self) -> str:
        return f"{self.name} {self.version} ({self.manager})"


class Overlap(msgspec.Struct, frozen=True, kw_only=True):
    """Two packages that install the same ``paths``, each time with different content."""

    first: PackageFiles
    second: PackageFiles
    paths: tuple[str, ...]


def overlaps(packages: Iterable[PackageFiles]) -> list[Overlap]:
    """Return all pairs of packages with different files at the same path."""
    owners: dict[str, list[PackageFiles]] = {}
    for package in packages:
        for path in package.files:
            owners.setdefault(path, []).append(package)
    found: dict[tuple[int, int], tuple[PackageFiles, PackageFiles, list[str]]] = {}
    for path, sharing in owners.items():
        for position, second in enumerate(sharing[1:], start=1):
            for first in sharing[:position]:
                if first.files[path] != second.files[path]:
                    pair = (id(first), id(second))
                    found.setdefault(pair, (first, second, []))[2].append(path)
    return [
        Overlap(first=first, second=second, paths=tuple(sorted(paths)))
        for first, second, paths in found.values()
    ]


def winner(overlap: Overlap, allowed: Mapping[str, Sequence[str]]) -> PackageFiles | None:
    """Return the package that may overwrite the other one, or None.

    ``allowed`` lists the names that may overwrite by manager; a later one wins over an earlier one.
    Between conda and pip, only packages of pip may, because pip installs on top of conda.
    """
    first, second = overlap.first, overlap.second
    if first.manager != second.manager:
        of_pip = next(package for package in (first, second) if package.manager == "pip")
        return of_pip if of_pip.name in allowed.get("pip", ()) else None
    names = list(allowed.get(first.manager, ()))
    listed = [package for package in (first, second) if package.name in names]
    return max(listed, key=lambda package: names.index(package.name), default=None)
