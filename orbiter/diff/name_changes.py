"""Comparison of the packages of one name in one scope."""

from collections.abc import Iterable
from typing import NamedTuple

from msgspec.structs import replace

from orbiter.diff import versions
from orbiter.diff.hashes import HostPair, altered_file, has_other_hashes
from orbiter.diff.sources import changed_sources
from orbiter.diff.types import Kind, Variant
from orbiter.lockfiles.types import PackageEntry, PackageFile

Packages = tuple[PackageEntry, ...]


class NameChange(NamedTuple):
    """The change of one name in one scope; the fields are those of Change."""

    kind: Kind
    old: tuple[str, ...]
    new: tuple[str, ...]
    stays: tuple[str, ...] = ()
    altered: bool = False
    elsewhere: bool = False
    sources: tuple[str, str] | None = None


def compare_packages(
    manager: str, old: Packages, new: Packages, known_mirrors: frozenset[HostPair]
) -> NameChange | None:
    """Compare the packages of a name; None if all that identifies them is equal."""
    old, new = _without_unknown(old, new), _without_unknown(new, old)
    old_versions = {package.version for package in old}
    new_versions = {package.version for package in new}
    removed = _sorted_versions(manager, old_versions - new_versions)
    added = _sorted_versions(manager, new_versions - old_versions)
    if not new:
        return NameChange("removed", removed, added)
    if not old:
        return NameChange("added", removed, added)
    common = _sorted_versions(manager, old_versions & new_versions)
    files = _files_of_same_builds(old, new)
    found = {altered_file(*sides, known_mirrors) for sides in files}
    altered, elsewhere = "altered" in found, "elsewhere" in found
    if old_versions != new_versions:
        kind = _direction(manager, (old_versions, new_versions), (removed, added))
        sources = changed_sources(old, new)
        return NameChange(kind, removed, added, common, altered, elsewhere, sources)
    same_version_kind = _same_version_kind(old, new, files)
    if same_version_kind is None:
        return None
    if elsewhere and same_version_kind == "rebuilt" and not altered:
        same_version_kind = "moved"
    return NameChange(same_version_kind, common, common, altered=altered, elsewhere=elsewhere)


def _without_unknown(packages: Packages, others: Packages) -> Packages:
    """Return packages without the versions that the other side's format does not record.

    pixi and uv omit the version of a local project; its folder is the same then.
    """
    unknown = {package.source for package in others if package.source and not package.version}
    if unknown.isdisjoint(package.source for package in packages):
        return packages
    return tuple(
        replace(package, version="") if package.source in unknown else package
        for package in packages
    )


def _same_version_kind(
    old: Packages, new: Packages, files: list[tuple[list[PackageFile], list[PackageFile]]]
) -> Kind | None:
    old_variants, new_variants = variants_of(old), variants_of(new)
    if _builds(old_variants) != _builds(new_variants):
        return "rebuilt"
    if old_variants != new_variants:
        return "moved"
    return "rebuilt" if any(has_other_hashes(*sides) for sides in files) else None


def _builds(variants: set[Variant]) -> set[tuple[str, str]]:
    return {(variant.version, variant.build) for variant in variants}


def _direction(
    manager: str, sides: tuple[set[str], set[str]], only: tuple[tuple[str, ...], tuple[str, ...]]
) -> Kind:
    """Compare the newest versions that only one side has.

    If only one side has such versions, compare the newest of all.
    """
    old, new = only
    if not old or not new:
        old, new = (_sorted_versions(manager, versions) for versions in sides)
    order = versions.compare_versions(manager, old[-1], new[-1])
    kinds: dict[int | None, Kind] = {-1: "upgraded", 1: "downgraded"}
    return kinds.get(order, "changed")


def _sorted_versions(manager: str, names: Iterable[str]) -> tuple[str, ...]:
    """Sort versions by the rules of their manager; those without an order come first, by text."""
    known = sorted(names)
    if len(known) <= 1:
        return tuple(known)
    keys = {name: key for name in known if (key := versions.sort_key(manager, name)) is not None}
    return (*(name for name in known if name not in keys), *sorted(keys, key=keys.__getitem__))


def _files_of_same_builds(
    old: Packages, new: Packages
) -> list[tuple[list[PackageFile], list[PackageFile]]]:
    """Return the files of both sides for each version and build whose files are not equal."""
    old_files, new_files = _files_by_build(old), _files_by_build(new)
    return [
        (old_files[build], new_files[build])
        for build in old_files.keys() & new_files.keys()
        if old_files[build] != new_files[build]
    ]


def _files_by_build(packages: Packages) -> dict[tuple[str, str], list[PackageFile]]:
    files: dict[tuple[str, str], list[PackageFile]] = {}
    for package in packages:
        files.setdefault((package.version, package.build), []).extend(package.files)
    return files


def variants_of(packages: Packages) -> set[Variant]:
    """Return the variants of packages."""
    return set(map(variant_of, packages))


def variant_of(package: PackageEntry) -> Variant:
    """Return what identifies a package besides its name."""
    return Variant(package.version, package.build, package.source)
