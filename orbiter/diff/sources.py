"""Sources of other versions of a package: whether a new version comes from another place."""

from collections.abc import Iterable

from orbiter.lockfiles.types import PackageEntry

FILE_SUFFIXES = (".whl", ".tar.gz", ".zip", ".tgz", ".conda", ".tar.bz2")


def changed_sources(
    old: Iterable[PackageEntry], new: Iterable[PackageEntry]
) -> tuple[str, str] | None:
    """Return the old and the new sources if a version comes from another place, otherwise None."""
    before = {_place(package.source): package.source for package in old}
    after = {_place(package.source): package.source for package in new}
    if before.keys() == after.keys():
        return None
    return _join(before.values()), _join(after.values())


def _join(sources: Iterable[str]) -> str:
    return ", ".join(source or "(default)" for source in sorted(set(sources)))


def _place(source: str) -> str:
    """Return what stays equal between the versions of a package.

    This is the host and the first folder of a URL, and a path without the name of a file.
    """
    scheme, separator, rest = source.partition("://")
    if separator:
        host, _, path = rest.partition("/")
        return f"{scheme}://{host}/{path.partition('/')[0]}"
    return source.rpartition("/")[0] if source.endswith(FILE_SUFFIXES) else source
