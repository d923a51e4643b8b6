"""Files and copies of npm packages, shared by the lock formats of npm, Yarn and pnpm."""

from base64 import b64decode
from collections.abc import Iterable
from itertools import chain

from msgspec.structs import replace

from orbiter.lockfiles.origins import folder_of
from orbiter.lockfiles.types import PackageEntry, PackageFile


def tarball(name: str, version: str, integrity: str, url: str = "") -> tuple[PackageFile, ...]:
    """Return the tarball of a package if its integrity is known. Raises ValueError."""
    hashes = tuple(map(_hash, integrity.split()))
    file = f"{name.rpartition('/')[2]}-{version}.tgz"
    return (PackageFile(file, hashes, folder_of(url)),) if hashes else ()


def _hash(integrity: str) -> str:
    """Convert ``sha512-BASE64`` to ``sha512:HEX``. Raises ValueError."""
    algorithm, dash, value = integrity.partition("-")
    if not dash:
        raise ValueError(integrity)
    return f"{algorithm}:{b64decode(value.partition('?')[0], validate=True).hex()}"


def merge_copies(entries: Iterable[PackageEntry]) -> tuple[PackageEntry, ...]:
    """Merge entries with the same name, version, source and commit; sort them."""
    same: dict[tuple[str, str, str, str], list[PackageEntry]] = {}
    for entry in entries:
        key = (entry.name, entry.version, entry.source, entry.build)
        same.setdefault(key, []).append(entry)
    return tuple(_merge(group) for _, group in sorted(same.items()))


def _merge(same: list[PackageEntry]) -> PackageEntry:
    """Merge the entries of one package at several paths.

    A group applies only if it applies at all of them.
    """
    first = same[0]
    if len(same) == 1:
        return first
    direct = [entry.direct for entry in same]
    groups = set(first.groups).intersection(*(entry.groups for entry in same))
    files = chain.from_iterable(entry.files for entry in same)
    requires = chain.from_iterable(entry.requires for entry in same)
    return replace(
        first,
        files=tuple(sorted(set(files))),
        requires=tuple(sorted(set(requires))),
        direct=None if None in direct else any(direct),
        groups=tuple(sorted(groups)),
        copies=tuple(chain.from_iterable(entry.copies for entry in same)),
    )


def required_names(ids: Iterable[str], names: dict[str, str]) -> tuple[str, ...]:
    """Return the sorted names of copies, given the name of each id."""
    return tuple(sorted({names[id_] for id_ in ids}))
