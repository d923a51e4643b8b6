"""pixi.lock, versions 1 to 7: https://pixi.prefix.dev/latest/workspace/lockfile/.

Versions 1 to 3 have the shape of conda-lock.yml. From 4 on, environments refer to packages by address; 4 and 5 tell the
``kind`` of a package, 6 leaves its name and version to the address, 7 has ``conda_source: NAME[HASH] @ PATH``.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from orbiter.lockfiles.conda_files import channels, shown
from orbiter.lockfiles.conda_lock import has_key, is_pixi, is_shaped
from orbiter.lockfiles.document import DAMAGED, as_number, too_new, typed
from orbiter.lockfiles.pip_files import main_index
from orbiter.lockfiles.pixi_package import package
from orbiter.lockfiles.types import Lock, PackageEntry, Scope
from orbiter.lockfiles.yaml import line_of_item, load_yaml
from resolvers.errors import ExpectedError

NEWEST = 7
FLAT = 3
"""The newest version that knows no environments."""
KINDS = ("conda", "pypi", "conda_source")
CHOOSING = frozenset({"name", "version", "build", "subdir"})
"""What a reference of version 6 adds where an address is that of several packages."""

Entry = Mapping[str, Any]


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
    packages: tuple[dict[str, Any], ...] | None
    platforms: tuple[_Platform, ...] = ()


class _Metadata(msgspec.Struct):
    channels: tuple[_Channel, ...] = ()
    platforms: tuple[str, ...] = ()


class _Flat(msgspec.Struct):
    metadata: _Metadata
    package: tuple[dict[str, Any], ...] | None


def recognises(text: str) -> bool:
    """Whether a text has the parts of a pixi.lock; those of versions 1 to 3 are conda-lock's, with pixi's fields."""
    if has_key(text, "environments"):
        return has_key(text, "version") and "packages:" in text
    return is_shaped(text) and is_pixi(text)


def read(name: str, text: str) -> Lock:
    """Read a pixi.lock. It does not tell what a person asked for; sizes and licences are those of conda packages."""
    data = load_yaml(name, text)
    version = as_number(data.get("version"))
    if version is None:
        raise ExpectedError(
            f"{name}: its 'version' is '{str(data.get('version') or '')[:20]}', no number", DAMAGED
        )
    if version > NEWEST:
        raise too_new(name, "pixi.lock", version, str(NEWEST))
    return _flat(name, text, data) if version <= FLAT else _by_environment(name, text, data)


def _flat(name: str, text: str, data: dict[str, Any]) -> Lock:
    document = typed(name, text, data, _Flat)
    pool = _Pool(name, text, "package", tuple(_modern(entry) for entry in document.package or ()))
    places: dict[str, list[PackageEntry]] = {
        platform: [] for platform in document.metadata.platforms
    }
    for number, entry in enumerate(pool.entries):
        places.setdefault(str(entry.get("platform", "")), []).append(pool.locked(number))
    return Lock(
        name=name,
        format=f"pixi.lock {data['version']}",
        packages={Scope("", platform): tuple(packages) for platform, packages in places.items()},
        facts=channels(each.url for each in document.metadata.channels),
        notes=tuple(pool.notes),
    )


def _modern(entry: Entry) -> Entry:
    """An entry of versions 1 to 3 with the keys of version 4."""
    kind = {"pip": "pypi"}.get(entry.get("manager", ""), entry.get("manager"))
    told = entry.get("hash")
    hashes = (
        {key: value for key, value in told.items() if value != "null"}
        if isinstance(told, dict)
        else {}
    )
    return {**entry, **hashes, "kind": kind, "depends": entry.get("dependencies")}


def _by_environment(name: str, text: str, data: dict[str, Any]) -> Lock:
    document = typed(name, text, data, _Document)
    pool = _Pool(name, text, "packages", document.packages or ())
    packages = {
        Scope(title, platform): tuple(pool.find(title, platform, each) for each in references)
        for title, environment in document.environments.items()
        for platform, references in environment.packages.items()
    }
    return Lock(
        name=name,
        format=f"pixi.lock {data['version']}",
        packages=packages,
        facts=dict(_facts(document)),
        notes=tuple(pool.notes),
    )


def _facts(document: _Document) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Channels and indexes, once for all environments where they are the same; what platforms are taken to have."""
    environments = document.environments.items()
    for kind, lists in (
        (
            "channels",
            {title: shown(each.url for each in env.channels) for title, env in environments},
        ),
        ("index", {title: shown(env.indexes) for title, env in environments}),
    ):
        if any(lists.values()):
            yield (
                kind,
                {"in order": next(iter(lists.values()))}
                if len(set(lists.values())) == 1
                else lists,
            )
    if virtual := {
        each.name: ", ".join(each.virtual_packages)
        for each in document.platforms
        if each.virtual_packages
    }:
        yield "virtual packages", virtual


class _Pool:
    """The packages of a lock, each made once however many places hold it."""

    def __init__(self, name: str, text: str, key: str, entries: tuple[Entry, ...]) -> None:
        self.entries = entries
        self.notes: dict[str, None] = {}
        self._where = (name, text, key)
        self._made: dict[tuple[int, tuple[str, ...]], PackageEntry] = {}
        self._index = _main_index(entries)
        self._by_address: dict[str, list[int]] = {}
        for number, entry in enumerate(entries):
            self._by_address.setdefault(_address(entry), []).append(number)

    def find(self, environment: str, platform: str, reference: Entry) -> PackageEntry:
        """The package that a reference of an environment and platform means."""
        address = _address(reference)
        found = self._by_address.get(address, [])
        if len(found) > 1:
            found = [number for number in found if _chosen(self.entries[number], reference)]
            found.sort(
                key=lambda number: self.entries[number].get("subdir") not in {platform, "noarch"}
            )
        if not found:
            raise ExpectedError(
                f"{self._where[0]}: environment {environment} for {platform} names '{address}', "
                "which is not among the packages",
                DAMAGED,
            )
        return self.locked(found[0], tuple(reference.get("extras") or ()))

    def locked(self, number: int, extras: tuple[str, ...] = ()) -> PackageEntry:
        """The package of an entry, with the extras that were asked for."""
        made = self._made.get((number, extras))
        if made is None:
            entry = self.entries[number]
            try:
                made, note = package(_kind(entry), _address(entry), entry, extras, self._index)
            except ExpectedError as error:
                name, text, key = self._where
                raise ExpectedError(
                    f"{name}:{line_of_item(text, key, number)}: {error.message}", error.hint
                ) from error
            self._made[number, extras] = made
            if note:
                self.notes[note] = None
        return made


def _kind(entry: Entry) -> str:
    told = entry.get("kind")
    return str(told) if told else next((kind for kind in KINDS if kind in entry), "")


def _address(entry: Entry) -> str:
    """Where a package lies, which is also what references name."""
    kind = None if "kind" in entry else next((kind for kind in KINDS if kind in entry), None)
    found = entry.get(kind) if kind else entry.get("url") or entry.get("path")
    return found if isinstance(found, str) else ""


def _chosen(entry: Entry, reference: Entry) -> bool:
    return all(
        entry.get(key, value) == value for key, value in reference.items() if key in CHOOSING
    )


def _main_index(entries: Iterable[Entry]) -> str:
    """The index of most Python packages, told only where it is not the public one."""
    told = [
        entry.get("index") or ""
        for entry in entries
        if _kind(entry) == "pypi" and "sha256" in entry
    ]
    return main_index(told) if all(told) else ""
