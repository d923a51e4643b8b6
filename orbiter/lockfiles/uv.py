"""uv.lock, version 1 and its revisions: https://docs.astral.sh/uv/concepts/projects/layout/#the-lockfile."""

import re
from collections.abc import Iterable, Mapping
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

VERSION = 1
HEAD = re.compile(r"(?:\s|#.*\n)*version = \d+\n(?:revision|requires-python) = ")

Asked = Mapping[str, set[str]]
"""Names that people asked for, each with the extras and dependency groups that it was asked for in."""


class _Needed(msgspec.Struct, gc=False):
    name: str
    extra: tuple[str, ...] = ()


class _File(msgspec.Struct, gc=False):
    url: str = ""
    path: str = ""
    hash: str = ""
    size: int = 0

    @property
    def name(self) -> str:
        return file_name(self.url or self.path)


class _Source(msgspec.Struct, gc=False):
    registry: str = ""
    git: str = ""
    url: str = ""
    path: str = ""
    directory: str = ""
    editable: str = ""
    virtual: str = ""


class _Entry(msgspec.Struct, rename="kebab"):
    name: str
    version: str = ""
    source: _Source = msgspec.field(default_factory=_Source)
    dependencies: tuple[_Needed, ...] = ()
    optional_dependencies: dict[str, tuple[_Needed, ...]] = {}
    dev_dependencies: dict[str, tuple[_Needed, ...]] = {}
    sdist: _File | None = None
    wheels: tuple[_File, ...] = ()

    def needs(self) -> Iterable[_Needed]:
        """All that the entry names, for any extra or group."""
        return chain(
            self.dependencies, *self.optional_dependencies.values(), *self.dev_dependencies.values()
        )


class _Manifest(msgspec.Struct, rename="kebab"):
    members: tuple[str, ...] = ()
    requirements: tuple[_Needed, ...] = ()
    dependency_groups: dict[str, tuple[_Needed, ...]] = {}


class _Document(msgspec.Struct):
    manifest: _Manifest = msgspec.field(default_factory=_Manifest)
    package: tuple[_Entry, ...] = ()


def recognises(text: str) -> bool:
    """Whether a text begins as a uv.lock does; Cargo.lock looks much like it, but has no Python."""
    return HEAD.match(text) is not None


def read(name: str, text: str) -> Lock:
    """Read a uv.lock. The project itself and its workspace members are packages too, some without a version."""
    data = load_toml(name, text)
    version, revision = data.get("version"), data.get("revision")
    if version != VERSION:
        raise too_new(name, "uv.lock", version, str(VERSION))
    document = typed(name, text, data, _Document)
    index = main_index(entry.source.registry for entry in document.package)
    asked, extras = _asked(document), _extras(document)
    packages = tuple(_locked(entry, index, asked, extras) for entry in document.package)
    return Lock(
        name=name,
        format=f"uv.lock {version}.{revision}" if revision else f"uv.lock {version}",
        packages={Scope(): packages},
        facts=index_facts(address(index)),
        notes=tuple(
            filter(
                None,
                (*_missing(document), *(strangers(p.name, p.version, p.files) for p in packages)),
            )
        ),
    )


def _asked(document: _Document) -> Asked | None:
    """What the project and the members of its workspace ask for; None where there is no such thing in the lock."""
    members = set(document.manifest.members) or {
        entry.name
        for entry in document.package
        if "." in {entry.source.editable, entry.source.virtual}
    }
    wishes: list[tuple[str, _Needed]] = [("", needed) for needed in document.manifest.requirements]
    groups = [document.manifest.dependency_groups]
    for entry in document.package:
        if entry.name in members:
            wishes += [("", needed) for needed in entry.dependencies]
            groups += [entry.optional_dependencies, entry.dev_dependencies]
    wishes += [
        (group, needed) for each in groups for group, all_ in each.items() for needed in all_
    ]
    asked: dict[str, set[str]] = {}
    for group, needed in wishes:
        asked.setdefault(normal(needed.name), set()).update([group] if group else [])
    return asked if members or asked else None


def _extras(document: _Document) -> Asked:
    """The extras that anything in the lock wants of a name."""
    found: dict[str, set[str]] = {}
    everything = chain(
        document.manifest.requirements, *(entry.needs() for entry in document.package)
    )
    for needed in everything:
        if needed.extra:
            found.setdefault(needed.name, set()).update(needed.extra)
    return found


def _locked(entry: _Entry, index: str, asked: Asked | None, extras: Asked) -> PackageEntry:
    name = normal(entry.name)
    source, commit = _source(entry.source, index)
    sdists = [entry.sdist] if entry.sdist else []
    return PackageEntry(
        manager="pip",
        name=name,
        version=entry.version,
        build=commit,
        source=source,
        files=tuple(
            PackageFile(each.name, (each.hash,) if each.hash else ())
            for each in (*entry.wheels, *sdists)
        ),
        size=only_size(
            ((w.name, w.size) for w in entry.wheels), ((s.name, s.size) for s in sdists)
        ),
        requires=_requires(entry, extras.get(entry.name, ())),
        direct=None if asked is None else name in asked,
        groups=tuple(sorted(asked.get(name, ()))) if asked else (),
    )


def _source(source: _Source, index: str) -> tuple[str, str]:
    """Where a package comes from ("" for the main index), and the commit for git."""
    if source.git:
        repository, _, commit = source.git.partition("#")
        return address(repository.partition("?")[0]), commit
    if source.registry:
        return "" if source.registry == index else address(source.registry), ""
    return address(
        source.url or source.path or source.directory or source.editable or source.virtual
    ), ""


def _requires(entry: _Entry, extras: Iterable[str]) -> tuple[str, ...]:
    wanted = chain(
        entry.dependencies, *(entry.optional_dependencies.get(extra, ()) for extra in extras)
    )
    return tuple(sorted({normal(needed.name) for needed in wanted} - {normal(entry.name)}))


def _missing(document: _Document) -> list[str]:
    """A lock holds all that its packages need; one that was cut off between two tables is still TOML."""
    there = {entry.name for entry in document.package}
    for entry in document.package:
        for needed in entry.needs():
            if needed.name not in there:
                return [
                    f"{entry.name} needs {needed.name}, which is not in the file: its end may be missing"
                ]
    return []
