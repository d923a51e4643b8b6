"""Reader of pixi.lock, versions 1 to 7: https://pixi.prefix.dev/latest/workspace/lockfile/.

Versions 1 to 3 have the structure of conda-lock.yml. From 4 on, environments refer to packages by
URL or path. Versions 4 and 5 contain the ``kind`` of a package, 6 omits names and versions that
the URL contains, and 7 adds ``conda_source: NAME[HASH] @ PATH``.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from orbiter.lockfiles.conda_files import channel_facts, format_urls
from orbiter.lockfiles.conda_lock import has_conda_lock_keys, has_key, is_pixi
from orbiter.lockfiles.document import DAMAGED, as_number, convert, unsupported_version
from orbiter.lockfiles.pip_files import most_common_index
from orbiter.lockfiles.pixi_package import PixiEntry, read_package
from orbiter.lockfiles.types import Lock, PackageEntry, Scope
from orbiter.lockfiles.yaml import line_of_item, load_yaml
from resolvers.errors import ExpectedError

NEWEST = 7

LAST_FLAT = 3
"""Last version without environments."""

KINDS = ("conda", "pypi", "conda_source")

SELECTORS = frozenset({"name", "version", "build", "subdir"})
"""Keys of a reference in version 6 that select one of several packages with the same URL."""


class _Channel(msgspec.Struct):
    url: str


class _Environment(msgspec.Struct):
    channels: tuple[_Channel, ...] = ()
    indexes: tuple[str, ...] = ()
    packages: dict[str, tuple[dict[str, Any], ...]] = {}


class _Platform(msgspec.Struct, rename="kebab"):
    name: str
    virtual_packages: tuple[str, ...] = ()


class _Document(msgspec.Struct):
    environments: dict[str, _Environment]
    packages: tuple[dict[str, Any], ...]
    platforms: tuple[_Platform, ...] = ()


class _Metadata(msgspec.Struct):
    channels: tuple[_Channel, ...] = ()
    platforms: tuple[str, ...] = ()


class _FlatDocument(msgspec.Struct):
    metadata: _Metadata
    package: tuple[dict[str, Any], ...]


def recognises(text: str) -> bool:
    """Return whether a text has the keys of a pixi.lock.

    Versions 1 to 3 have those of conda-lock.yml and additional fields in the packages.
    """
    if has_key(text, "environments"):
        return has_key(text, "version") and "packages:" in text
    return has_conda_lock_keys(text) and is_pixi(text)


def read(name: str, text: str) -> Lock:
    """Read a pixi.lock.

    The format does not record direct requirements; only conda packages have sizes and licences.
    """
    data = load_yaml(name, text)
    version = as_number(data.get("version"))
    if version is None:
        value = str(data.get("version") or "")[:20]
        raise ExpectedError(f"{name}: the 'version' must be a number, not '{value}'", DAMAGED)
    if version > NEWEST:
        raise unsupported_version(name, "pixi.lock", version, str(NEWEST))
    if version <= LAST_FLAT:
        return _read_flat(name, text, data)
    return _read_environments(name, text, data)


def _read_flat(name: str, text: str, data: dict[str, Any]) -> Lock:
    """Read versions 1 to 3."""
    document = convert(name, text, data, _FlatDocument)
    entries = tuple(map(_upgrade_entry, document.package))
    pool = _PackagePool(name, text, "package", entries)
    # A platform without packages is a scope, too.
    platforms: dict[str, list[PackageEntry]] = {
        platform: [] for platform in document.metadata.platforms
    }
    for index, entry in enumerate(entries):
        platform = str(entry.get("platform", ""))
        platforms.setdefault(platform, []).append(pool.package(index))
    return Lock(
        name=name,
        format=f"pixi.lock {data['version']}",
        packages={Scope("", platform): tuple(found) for platform, found in platforms.items()},
        facts=channel_facts(channel.url for channel in document.metadata.channels),
        notes=tuple(pool.notes),
    )


def _upgrade_entry(entry: PixiEntry) -> PixiEntry:
    """Return an entry of versions 1 to 3 with the keys of version 4."""
    manager = entry.get("manager")
    # These versions wrote a missing hash as the text null.
    hashes = entry.get("hash")
    if not isinstance(hashes, dict):
        hashes = {}
    return {
        **entry,
        **{algorithm: value for algorithm, value in hashes.items() if value != "null"},
        "kind": "pypi" if manager == "pip" else manager,
        "depends": entry.get("dependencies"),
    }


def _read_environments(name: str, text: str, data: dict[str, Any]) -> Lock:
    """Read versions from 4 on."""
    document = convert(name, text, data, _Document)
    pool = _PackagePool(name, text, "packages", document.packages)
    packages: dict[Scope, tuple[PackageEntry, ...]] = {}
    for title, environment in document.environments.items():
        for platform, references in environment.packages.items():
            scope = Scope(title, platform)
            packages[scope] = tuple(pool.referenced(scope, reference) for reference in references)
    return Lock(
        name=name,
        format=f"pixi.lock {data['version']}",
        packages=packages,
        facts=dict(_facts(document)),
        notes=tuple(pool.notes),
    )


def _facts(document: _Document) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Yield the channels, the indexes, and the virtual packages that platforms have."""
    channels, indexes = {}, {}
    for title, environment in document.environments.items():
        channels[title] = format_urls(channel.url for channel in environment.channels)
        indexes[title] = format_urls(environment.indexes)
    for kind, by_environment in (("channels", channels), ("index", indexes)):
        if any(by_environment.values()):
            yield kind, _merge_equal(by_environment)
    virtual_packages = {
        platform.name: ", ".join(platform.virtual_packages)
        for platform in document.platforms
        if platform.virtual_packages
    }
    if virtual_packages:
        yield "virtual packages", virtual_packages


def _merge_equal(by_environment: Mapping[str, str]) -> Mapping[str, str]:
    """Return one value for all environments if theirs are equal."""
    values = set(by_environment.values())
    return {"in order": values.pop()} if len(values) == 1 else by_environment


class _PackagePool:
    """The packages of a lock; all scopes with the same package share one object."""

    def __init__(self, name: str, text: str, key: str, entries: tuple[PixiEntry, ...]) -> None:
        self.notes: dict[str, None] = {}
        self._name, self._text, self._key = name, text, key
        self._entries = entries
        self._index = _default_index(entries)
        self._packages: dict[tuple[int, tuple[str, ...]], PackageEntry] = {}
        self._by_location: dict[str, list[int]] = {}
        for index, entry in enumerate(entries):
            self._by_location.setdefault(_location(entry), []).append(index)

    def referenced(self, scope: Scope, reference: PixiEntry) -> PackageEntry:
        """Return the package that a reference selects."""
        location = _location(reference)
        indexes = self._by_location.get(location, [])
        if len(indexes) > 1:
            # Version 6 may have several packages with the same path.
            indexes = [index for index in indexes if _matches(self._entries[index], reference)]
            indexes.sort(key=lambda index: not self._fits(index, scope.platform))
        if not indexes:
            raise ExpectedError(
                f"{self._name}: the environment {scope.environment} for {scope.platform} refers to "
                f"'{location}', which is not among the packages",
                DAMAGED,
            )
        return self.package(indexes[0], tuple(reference.get("extras") or ()))

    def _fits(self, index: int, platform: str) -> bool:
        return self._entries[index].get("subdir") in {platform, "noarch"}

    def package(self, index: int, extras: tuple[str, ...] = ()) -> PackageEntry:
        """Return the package of an entry with the requested extras."""
        package = self._packages.get((index, extras))
        if package is None:
            package = self._packages[index, extras] = self._read(index, extras)
        return package

    def _read(self, index: int, extras: tuple[str, ...]) -> PackageEntry:
        entry = self._entries[index]
        try:
            package, note = read_package(_kind(entry), _location(entry), entry, extras, self._index)
        except ExpectedError as error:
            where = f"{self._name}:{line_of_item(self._text, self._key, index)}"
            raise ExpectedError(f"{where}: {error.message}", error.hint) from error
        if note:
            self.notes[note] = None
        return package


def _kind(entry: PixiEntry) -> str:
    return str(entry.get("kind") or _kind_by_key(entry))


def _kind_by_key(entry: PixiEntry) -> str:
    return next((kind for kind in KINDS if kind in entry), "")


def _location(entry: PixiEntry) -> str:
    """Return the URL or path of a package, which references contain as well."""
    kind = _kind_by_key(entry)
    if kind and "kind" not in entry:
        location = entry[kind]  # from version 6 on, the kind is the key of the location
    else:
        location = entry.get("url") or entry.get("path")
    return location if isinstance(location, str) else ""


def _matches(entry: PixiEntry, reference: PixiEntry) -> bool:
    return all(
        entry.get(key, value) == value for key, value in reference.items() if key in SELECTORS
    )


def _default_index(entries: Iterable[PixiEntry]) -> str:
    """Return the index of most Python packages; "" for the public one, which entries omit."""
    indexes = [
        entry.get("index") or ""
        for entry in entries
        if _kind(entry) == "pypi" and "sha256" in entry
    ]
    return most_common_index(indexes) if all(indexes) else ""
