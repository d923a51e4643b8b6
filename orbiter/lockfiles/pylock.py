"""Reader of pylock.toml, version 1.0 (PEP 751).

Format: https://packaging.python.org/en/latest/specifications/pylock-toml/.
"""

import re

import msgspec

from orbiter.lockfiles.document import (
    convert,
    load_toml,
    unsupported_version,
    without_credentials,
)
from orbiter.lockfiles.origins import folder_of
from orbiter.lockfiles.pip_files import (
    download_size,
    file_name,
    foreign_file_note,
    index_facts,
    most_common_index,
    normalise,
)
from orbiter.lockfiles.types import Lock, PackageEntry, PackageFile, Scope
from resolvers.types.packages import FileSize

NEWEST = "1.0"
FIRST_KEY_OR_TABLE = re.compile(r"^(lock-version\s*=|\[\[)", re.MULTILINE)


class _File(msgspec.Struct, gc=False):
    name: str = ""
    url: str = ""
    path: str = ""
    size: FileSize = 0
    hashes: dict[str, str] = {}

    @property
    def file_name(self) -> str:
        """The file's name, which the lock contains only if the URL does not end with it."""
        return self.name or file_name(self.url or self.path)

    def as_package_file(self) -> PackageFile:
        """Return the file with its hashes in a fixed order."""
        hashes = sorted(self.hashes.items())
        return PackageFile(
            self.file_name,
            tuple(f"{algorithm}:{value.lower()}" for algorithm, value in hashes),
            folder_of(self.url),
        )


class _Source(msgspec.Struct, rename="kebab", gc=False):
    url: str = ""
    path: str = ""
    commit_id: str = ""


class _Requirement(msgspec.Struct, gc=False):
    name: str = ""


class _Package(msgspec.Struct):
    name: str
    version: str = ""
    index: str = ""
    dependencies: tuple[_Requirement, ...] = ()
    vcs: _Source | None = None
    directory: _Source | None = None
    archive: _File | None = None
    sdist: _File | None = None
    wheels: tuple[_File, ...] = ()


class _Document(msgspec.Struct, rename="kebab"):
    lock_version: str
    packages: tuple[_Package, ...] = ()


def recognises(text: str) -> bool:
    """Return whether a text has a ``lock-version`` before its tables, unlike any other format."""
    first = FIRST_KEY_OR_TABLE.search(text)
    return first is not None and first[1].startswith("lock-version")


def read(name: str, text: str) -> Lock:
    """Read a pylock.toml; the format does not record direct requirements."""
    data = load_toml(name, text)
    version = str(data.get("lock-version", ""))
    if version.partition(".")[0] != NEWEST.partition(".")[0]:
        raise unsupported_version(name, "pylock.toml", version, NEWEST)
    document = convert(name, text, data, _Document)
    index = most_common_index(package.index for package in document.packages)
    packages = tuple(_read_package(package, index) for package in document.packages)
    notes = (
        foreign_file_note(package.name, package.version, package.files) for package in packages
    )
    return Lock(
        name=name,
        format=f"pylock.toml {version}",
        packages={Scope(): packages},
        facts=index_facts(without_credentials(index)),
        notes=tuple(filter(None, notes)),
    )


def _read_package(package: _Package, index: str) -> PackageEntry:
    sources = [file for file in (package.sdist, package.archive) if file]
    names = {normalise(requirement.name) for requirement in package.dependencies} - {""}
    return PackageEntry(
        manager="pip",
        name=normalise(package.name),
        version=package.version,
        build=package.vcs.commit_id if package.vcs else "",
        source=_source(package, index),
        files=tuple(file.as_package_file() for file in (*package.wheels, *sources)),
        size=download_size(
            ((wheel.file_name, wheel.size) for wheel in package.wheels),
            ((source.file_name, source.size) for source in sources),
        ),
        requires=tuple(sorted(names)),
    )


def _source(package: _Package, index: str) -> str:
    """Return the URL or path that a package comes from; "" for the main index."""
    for source in (package.vcs, package.directory, package.archive):
        if source:
            return without_credentials(source.url or source.path)
    return "" if package.index == index else without_credentials(package.index)
