"""The tree of a package-lock.json (version 3): who needs what, as Node finds it. Pure.

The format: npm help package-lock-json. Keys of ``packages`` are paths
(``node_modules/a/node_modules/b``), the empty one is the project itself.
"""

import json
from base64 import b64decode
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any

import msgspec

from resolvers.errors import ExpectedError
from resolvers.types import Artifact, LockFiles, Target

MANIFEST, LOCK = "package.json", "package-lock.json"
NESTED = "/node_modules/"
CPUS = {"amd64": "x64", "arm64": "arm64", "arm": "arm", "386": "ia32", "ppc64le": "ppc64"}
"""Docker's names of processors to Node's, where they differ or are common."""

Entry = Mapping[str, Any]
"""One member of ``packages``."""


class Tree(msgspec.Struct, frozen=True, kw_only=True):
    """Both files as npm reads them; ``groups`` maps a group to the names that it asks for."""

    manifest: dict[str, Any]
    lock: dict[str, Any]
    entries: dict[str, dict[str, Any]]
    groups: dict[str, tuple[str, ...]]


def parse(files: LockFiles) -> Tree:
    """Read package-lock.json and, where there is one, package.json. Raises ExpectedError for what is no lock."""
    manifest, lock = (_json(name, files.get(name, "{}")) for name in (MANIFEST, LOCK))
    entries = lock.get("packages")
    if not isinstance(entries, dict):
        raise ExpectedError(
            f"{LOCK} has no 'packages': its lockfileVersion is not 3", "lock npm anew"
        )
    groups = manifest.get("orbiter", {}).get("groups", {})
    names = {group: tuple(name_of(each) for each in asked) for group, asked in groups.items()}
    return Tree(manifest=manifest, lock=lock, entries=entries, groups=names)


def write(data: Mapping[str, Any]) -> str:
    """JSON exactly as npm itself writes it."""
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def name_of(requirement: str) -> str:
    """The name in a requirement: ``@scope/a`` of ``@scope/a@^1``."""
    return requirement[:1] + requirement[1:].partition("@")[0]


def package_name(path: str, entry: Entry) -> str:
    """What the registry calls the package at a path; an alias has its real name in the entry."""
    return str(entry.get("name") or path.rpartition("node_modules/")[2])


def packages(tree: Tree) -> Iterator[tuple[str, dict[str, Any]]]:
    """Paths and entries of all that comes from a registry: no project, no workspace, no link."""
    for path, entry in tree.entries.items():
        if "node_modules/" in path and not entry.get("link"):
            yield path, entry


def find(entries: Collection[str], path: str, name: str) -> str | None:
    """Where the package at ``path`` finds ``name``: below itself first, then ever further up, as Node looks."""
    while True:
        candidate = f"{path}/node_modules/{name}" if path else f"node_modules/{name}"
        if candidate in entries:
            return candidate
        if not path:
            return None
        path = path.rpartition(NESTED)[0]


def needs(entry: Entry) -> Iterator[str]:
    """Names that an entry asks for; optional peers are not asked for, they are only minded if present."""
    yield from entry.get("dependencies", ())
    yield from entry.get("optionalDependencies", ())
    optional = entry.get("peerDependenciesMeta", {})
    for name in entry.get("peerDependencies", ()):
        if not optional.get(name, {}).get("optional"):
            yield name


def reach(
    tree: Tree, names: Iterable[str], fits: Callable[[str, Entry], bool] = lambda _p, _e: True
) -> set[str]:
    """Paths of all that the project's requirements of these names pull in; what does not fit is not followed."""
    found: set[str] = set()
    queue = [find(tree.entries, "", name) for name in names]
    while queue:
        path = queue.pop()
        if path is None or path in found or not fits(path, tree.entries[path]):
            continue
        found.add(path)
        entry = tree.entries[path]
        if entry.get("link"):
            queue.append(str(entry["resolved"]) if entry["resolved"] in tree.entries else None)
        elif entry.get("bundleDependencies"):
            queue += _bundled(tree, path)
        queue += [find(tree.entries, path, name) for name in needs(entry)]
    return found


def _bundled(tree: Tree, path: str) -> list[str | None]:
    """What lies inside the tarball of the package at ``path``."""
    inside = path + NESTED
    return [
        each
        for each, entry in tree.entries.items()
        if each.startswith(inside) and entry.get("inBundle")
    ]


def artifact(path: str, entry: Entry) -> Artifact | None:
    """The tarball of an entry, None for what lies inside another one's. Raises ExpectedError without a sha512."""
    if entry.get("inBundle"):
        return None
    name, version = package_name(path, entry), entry["version"]
    base = name.rpartition("/")[2]
    return Artifact(
        file=f"{name.removeprefix('@').replace('/', '__')}-{version}.tgz",
        hash=f"sha512:{sha512(path, entry)}",
        source=f"{name}/-/{base}-{version}.tgz",
    )


def sha512(path: str, entry: Entry) -> str:
    """The sha512 of an entry in hexadecimal."""
    for each in str(entry.get("integrity", "")).split():
        algorithm, _, value = each.partition("-")
        if algorithm == "sha512":
            return b64decode(value.partition("?")[0]).hex()
    raise ExpectedError(
        f"{LOCK}: {package_name(path, entry)} {entry.get('version', '')} ({path}) has no sha512 integrity",
        "use a registry that tells the sha512 of its packages, or another version of this one",
    )


def runs_on(entry: Entry, target: Target) -> bool:
    """Whether npm installs the entry on the target; where its C library is not known, any is right."""
    _, _, machine = target.platform.partition("/")
    cpu = machine.partition("/")[0]
    return (
        _allows(entry.get("os"), "linux")
        and _allows(entry.get("cpu"), CPUS.get(cpu, cpu))
        and (not target.glibc or _allows(entry.get("libc"), "glibc"))
        and (not target.musl or _allows(entry.get("libc"), "musl"))
    )


def _allows(field: str | list[str] | None, value: str) -> bool:
    """The fields os, cpu and libc of npm help package-json: names to allow, ``!name`` to forbid."""
    listed = [field] if isinstance(field, str) else field or ["any"]
    allowed = [each for each in listed if not each.startswith("!")]
    return f"!{value}" not in listed and (not allowed or value in allowed or "any" in allowed)


def _json(name: str, text: str) -> dict[str, Any]:
    try:
        data = json.loads(text)
    except ValueError as error:
        raise ExpectedError(
            f"{name} cannot be read: {error}", "take it from git again, or lock anew"
        ) from error
    if not isinstance(data, dict):
        raise ExpectedError(
            f"{name} cannot be read: it is no JSON object", "take it from git again, or lock anew"
        )
    return data
