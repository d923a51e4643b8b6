"""package-lock.json, versions 1 to 3, also npm-shrinkwrap.json: npm help package-lock-json.

Version 1 is a tree of names, versions 2 and 3 map paths (``node_modules/a/node_modules/b``) to packages.
"""

import re
from base64 import b64decode
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

import msgspec

from orbiter.lockfiles.document import DAMAGED, address, line_of, load_json, too_new, typed
from orbiter.lockfiles.types import Lock, PackageEntry, PackageFile, Scope
from resolvers.errors import ExpectedError
from resolvers.npm.lock_file import find

NEWEST = 3
TREE, BOTH = 1, 2
"""The version that is a tree, and the one that is also one."""
NAMED = 5
"""How many packages a note names."""
MODULES = "node_modules/"
MARK = re.compile(r'"lockfileVersion"\s*:')


class _Entry(msgspec.Struct, rename="camel"):
    name: str = ""
    version: str = ""
    resolved: str | bool | None = ""
    integrity: str = ""
    link: bool = False
    in_bundle: bool = False
    dev: bool = False
    optional: bool = False
    dev_optional: bool = False
    peer: bool = False
    license: Any = ""
    dependencies: dict[str, Any] = {}
    dev_dependencies: dict[str, Any] = {}
    optional_dependencies: dict[str, Any] = {}
    peer_dependencies: dict[str, Any] = {}

    def groups(self) -> set[str]:
        """What the package is only there for."""
        flags = {
            "dev": self.dev or self.dev_optional,
            "optional": self.optional or self.dev_optional,
            "peer": self.peer,
        }
        return {group for group, holds in flags.items() if holds}

    def address(self) -> str:
        """Where the package comes from; "" where the lock does not say, or where it lies in another's tarball."""
        return self.resolved if isinstance(self.resolved, str) else ""

    def licence(self) -> str:
        """The licence; old packages write it as an object."""
        told = self.license.get("type") if isinstance(self.license, dict) else self.license
        return told if isinstance(told, str) else ""


Entries = Mapping[str, _Entry]
"""Packages by path; that of the project itself is empty, workspace members have one without node_modules."""


def recognises(text: str) -> bool:
    """Whether a text is a JSON object with a ``lockfileVersion``."""
    return text.lstrip()[:1] == "{" and MARK.search(text) is not None


def read(name: str, text: str) -> Lock:
    """Read a package-lock.json: one package per name, version and source, whatever paths it lies at."""
    data = load_json(name, text)
    version = data.get("lockfileVersion")
    if type(version) is not int or version < TREE:
        raise ExpectedError(
            f"{name}: its 'lockfileVersion' is {version!r}, no number from 1 to {NEWEST}", DAMAGED
        )
    if version > NEWEST:
        raise too_new(name, "package-lock.json", version, str(NEWEST))
    entries = (
        _tree(name, text, data)
        if version == TREE
        else _entries(name, text, data.get("packages", {}))
    )
    registry = _registry(entries.values())
    direct = _direct(entries) if "" in entries else None
    found: dict[tuple[str, str, str, str], list[PackageEntry]] = {}
    for path, entry in _packages(entries):
        try:
            locked = _locked(entries, path, entry, registry, direct)
        except ValueError as error:
            raise ExpectedError(
                f"{_where(name, text, path)}: its integrity is no hash", DAMAGED
            ) from error
        found.setdefault((locked.name, locked.version, locked.source, locked.build), []).append(
            locked
        )
    return Lock(
        name=name,
        format=f"package-lock.json {version}",
        packages={Scope(): tuple(_merged(same) for _, same in sorted(found.items()))},
        facts={"registry": {"of most packages": registry}} if registry else {},
        notes=(
            *filter(None, (_stranger(path, entry) for path, entry in _packages(entries))),
            *(_halves(name, text, data, entries) if version == BOTH else ()),
        ),
    )


def _halves(name: str, text: str, data: dict[str, Any], entries: Entries) -> Iterator[str]:
    """What to tell where the tree of version 2, which npm 6 reads, has other tarballs than its paths."""
    other = [
        path
        for path, entry in _packages(_tree(name, text, data))
        if path in entries
        and (entry.version, entry.integrity) != (entries[path].version, entries[path].integrity)
    ]
    if other:
        names = ", ".join(other[:NAMED]) + (
            f" and {len(other) - NAMED} more" if len(other) > NAMED else ""
        )
        yield f"its 'dependencies', which npm 6 installs, differ from its 'packages', compared here: {names}"


def _packages(entries: Entries) -> Iterator[tuple[str, _Entry]]:
    """Paths and entries of all that comes from somewhere: no project, no workspace member, no link."""
    return ((path, entry) for path, entry in entries.items() if MODULES in path and not entry.link)


def _entries(name: str, text: str, packages: Any) -> Entries:
    try:
        return typed(name, text, packages, dict[str, _Entry])
    except ExpectedError:
        if isinstance(packages, dict):  # which one was it?
            for path, entry in packages.items():
                typed(_where(name, text, path), text, entry, _Entry)
        raise


def _where(name: str, text: str, path: str) -> str:
    """The file and the line of a path, or of the name where a version 1 has no paths."""
    for key in (path, path.rpartition(MODULES)[2]):
        if (position := text.find(f'"{key}": ')) >= 0:
            return f"{name}:{line_of(text, position)}: {key}"
    return f"{name}: {path}"


def _tree(name: str, text: str, data: dict[str, Any]) -> Entries:
    """The tree of version 1 as paths."""
    found: dict[str, Any] = {}
    waiting = [("", data)]
    while waiting:
        above, entry = waiting.pop()
        below = entry.get("dependencies", {})
        for key, each in below.items() if isinstance(below, dict) else ():
            path = f"{above}/{MODULES}{key}" if above else MODULES + key
            if not isinstance(each, dict):
                raise ExpectedError(f"{_where(name, text, path)}: this is no package", DAMAGED)
            found[path] = _as_entry(key, each)
            waiting.append((path, each))
    return _entries(name, text, found)


def _as_entry(key: str, old: dict[str, Any]) -> dict[str, Any]:
    """A package of version 1 as later versions write it: its ``version`` may be an alias or an address."""
    entry: dict[str, Any] = {
        field: old[field] for field in ("resolved", "integrity", "dev", "optional") if field in old
    }
    entry |= {"version": old.get("version", ""), "inBundle": old.get("bundled", False)}
    if isinstance(old.get("requires"), dict):
        entry["dependencies"] = old["requires"]
    version = entry["version"]
    if not isinstance(version, str) or ":" not in version:
        return entry
    if version.startswith("npm:"):
        name, _, number = version.removeprefix("npm:").rpartition("@")
        return entry | {"name": name, "version": number}
    tarball = version.rpartition("/")[2].removeprefix("file:")
    if tarball.endswith((".tgz", ".tar.gz")):
        number = (
            tarball.removesuffix(".tgz")
            .removesuffix(".tar.gz")
            .removeprefix(f"{key.rpartition('/')[2]}-")
        )
        return entry | {"version": number, "resolved": version}
    return entry | {"version": "", "resolved": version, "link": version.startswith("file:")}


def _name(path: str, entry: _Entry) -> str:
    """What the registry calls the package at a path; an alias has its real name in the entry."""
    return entry.name or path.rpartition(MODULES)[2]


def _registry(entries: Iterable[_Entry]) -> str:
    """The host that most tarballs come from: which registry that is, is configuration of the machine."""
    hosts = Counter(_host(entry.address()) for entry in entries if "://" in entry.address())
    return hosts.most_common(1)[0][0] if hosts else ""


def _host(url: str) -> str:
    return address(url).partition("://")[2].partition("/")[0]


def _source(url: str, registry: str) -> tuple[str, str]:
    """Where a package comes from ("" for the registry of most), and the commit for git."""
    repository, _, commit = url.partition("#")
    if commit or repository.startswith("git"):
        return address(repository), commit
    if "://" in url and not url.startswith("file:"):
        host = _host(url)
        return "" if host == registry else host, ""
    return url, ""


def _direct(entries: Entries) -> frozenset[str]:
    """The paths that the project and the members of its workspace ask for."""
    found = set()
    for path, entry in entries.items():
        if MODULES not in path:
            found |= {
                find(entries, path, name) for name in chain(_needs(entry), entry.dev_dependencies)
            }
    return frozenset(path for path in found if path)


def _needs(entry: _Entry) -> Iterator[str]:
    return chain(entry.dependencies, entry.optional_dependencies, entry.peer_dependencies)


def _locked(
    entries: Entries, path: str, entry: _Entry, registry: str, direct: frozenset[str] | None
) -> PackageEntry:
    source, commit = _source(entry.address(), registry)
    needed = filter(None, {find(entries, path, name) for name in _needs(entry)})
    hashes = _hashes(entry.integrity)
    return PackageEntry(
        manager="npm",
        name=_name(path, entry),
        version=entry.version,
        build=commit,
        source=source,
        files=(PackageFile(f"{_name(path, entry).rpartition('/')[2]}-{entry.version}.tgz", hashes),)
        if hashes
        else (),
        licence=entry.licence(),
        requires=tuple(sorted({_name(each, entries[each]) for each in needed})),
        direct=None if direct is None else path in direct,
        groups=tuple(sorted(entry.groups())),
    )


def _hashes(integrity: str) -> tuple[str, ...]:
    """``sha512-<base64>``, several with blanks between them, as ``sha512:<hex>``. Raises ValueError."""
    found = []
    for each in integrity.split():
        algorithm, dash, value = each.partition("-")
        if not dash:
            raise ValueError(integrity)
        found.append(f"{algorithm}:{b64decode(value.partition('?')[0], validate=True).hex()}")
    return tuple(found)


def _merged(same: list[PackageEntry]) -> PackageEntry:
    """One package that lies at several paths: it is only for something if it is so at all of them."""
    first = same[0]
    if len(same) == 1:
        return first
    directs = [each.direct for each in same]
    return msgspec.structs.replace(
        first,
        files=tuple(sorted({file for each in same for file in each.files})),
        requires=tuple(sorted({name for each in same for name in each.requires})),
        direct=None if None in directs else any(directs),
        groups=tuple(sorted(set(first.groups).intersection(*(each.groups for each in same)))),
    )


def _stranger(path: str, entry: _Entry) -> str:
    """What to tell of a package whose tarball is another one's, as a merge leaves it that took a line of each side."""
    name, url = _name(path, entry), entry.address().partition("#")[0]
    package, mark, tarball = address(url).rpartition("/-/")
    wanted = f"{name.rpartition('/')[2]}-{entry.version.partition('+')[0]}"
    if mark and not (
        package.replace("%2f", "/").endswith(f"/{name}")
        and tarball.rpartition("/")[2].startswith(wanted)
    ):
        return f"{path} is {name} {entry.version}, but its tarball is {tarball.rpartition('/')[2]}"
    return ""
