"""pylock.toml, version 1.0: https://packaging.python.org/en/latest/specifications/pylock-toml/ (PEP 751)."""

import re
from itertools import chain

import msgspec

from orbiter.lockfiles.document import address, load_toml, too_new, typed
from orbiter.lockfiles.pip_files import (
    file_name,
    index_facts,
    main_index,
    normal,
    only_size,
    strangers,
)
from orbiter.lockfiles.types import Lock, PackageEntry, PackageFile, Scope

NEWEST = "1.0"
HEAD = re.compile(r"^(lock-version\s*=|\[\[)", re.MULTILINE)


class _File(msgspec.Struct, gc=False):
    name: str = ""
    url: str = ""
    path: str = ""
    size: int = 0
    hashes: dict[str, str] = {}

    def file(self) -> PackageFile:
        """The file by its name, which only stands alone where the URL does not end with it."""
        name = self.name or file_name(self.url or self.path)
        return PackageFile(
            name,
            tuple(
                f"{algorithm}:{value.lower()}" for algorithm, value in sorted(self.hashes.items())
            ),
        )


class _Source(msgspec.Struct, rename="kebab", gc=False):
    url: str = ""
    path: str = ""
    commit_id: str = ""


class _Needed(msgspec.Struct, gc=False):
    name: str = ""


class _Entry(msgspec.Struct):
    name: str
    version: str = ""
    index: str = ""
    dependencies: tuple[_Needed, ...] = ()
    vcs: _Source | None = None
    directory: _Source | None = None
    archive: _File | None = None
    sdist: _File | None = None
    wheels: tuple[_File, ...] = ()


class _Document(msgspec.Struct, rename="kebab"):
    lock_version: str
    packages: tuple[_Entry, ...] = ()


def recognises(text: str) -> bool:
    """Whether a text has a ``lock-version`` above its tables, as nothing else has."""
    first = HEAD.search(text)
    return first is not None and first[1].startswith("lock-version")


def read(name: str, text: str) -> Lock:
    """Read a pylock.toml. It does not tell what was asked for by a person."""
    data = load_toml(name, text)
    version = str(data.get("lock-version", ""))
    if version.partition(".")[0] != NEWEST.partition(".")[0]:
        raise too_new(name, "pylock.toml", version, NEWEST)
    document = typed(name, text, data, _Document)
    index = main_index(entry.index for entry in document.packages)
    packages = tuple(_locked(entry, index) for entry in document.packages)
    notes = (strangers(package.name, package.version, package.files) for package in packages)
    return Lock(
        name=name,
        format=f"pylock.toml {version}",
        packages={Scope(): packages},
        facts=index_facts(address(index)),
        notes=tuple(filter(None, notes)),
    )


def _locked(entry: _Entry, index: str) -> PackageEntry:
    wheels = [(each.file(), each.size) for each in entry.wheels]
    others = [(each.file(), each.size) for each in (entry.sdist, entry.archive) if each]
    return PackageEntry(
        manager="pip",
        name=normal(entry.name),
        version=entry.version,
        build=entry.vcs.commit_id if entry.vcs else "",
        source=_source(entry, index),
        files=tuple(file for file, _ in chain(wheels, others)),
        size=only_size(
            ((file.name, size) for file, size in wheels),
            ((file.name, size) for file, size in others),
        ),
        requires=tuple(sorted({normal(needed.name) for needed in entry.dependencies} - {""})),
    )


def _source(entry: _Entry, index: str) -> str:
    """Where a package comes from: "" for the main index."""
    for place in (entry.vcs, entry.directory, entry.archive):
        if place:
            return address(place.url or place.path)
    return "" if entry.index == index else address(entry.index)
