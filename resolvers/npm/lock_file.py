"""The tree of packages in a package-lock.json (version 3). Pure.

The format is described in ``npm help package-lock-json``. The keys of ``packages`` are paths such
as ``node_modules/a/node_modules/b``; the empty path is the project itself.
"""

import json
from base64 import b64decode
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

import msgspec

from resolvers.errors import ExpectedError
from resolvers.npm.address import source_of
from resolvers.types.packages import Artifact, LockFiles
from resolvers.types.request import Target

MANIFEST, LOCK = "package.json", "package-lock.json"
NESTED = "/node_modules/"
CPUS = {"amd64": "x64", "arm64": "arm64", "arm": "arm", "386": "ia32", "ppc64le": "ppc64"}
"""Docker's names of processors to Node's, if they differ or are common."""

JsonObject = dict[str, Any]
"""An object of package.json or package-lock.json; npm's documentation describes it."""
LockEntry = Mapping[str, Any]
"""One member of ``packages``."""


class PackageTree(msgspec.Struct, frozen=True, kw_only=True):
    """Both files as npm reads them.

    ``entries`` are the ``packages`` of the lock by path. ``groups`` maps each group to the names
    that it requires.
    """

    manifest: JsonObject
    lock: JsonObject
    entries: dict[str, JsonObject]
    groups: dict[str, tuple[str, ...]]


def parse(files: LockFiles) -> PackageTree:
    """Read package-lock.json and, if present, package.json.

    Raises ExpectedError if a file is malformed.
    """
    manifest = _parse_json(MANIFEST, files)
    lock = _parse_json(LOCK, files)
    entries = lock.get("packages")
    if not isinstance(entries, dict):
        raise ExpectedError(
            f"{LOCK} has no key 'packages', so its lockfileVersion is not 3", "run orbiter lock"
        )
    requirements = manifest.get("orbiter", {}).get("groups", {})
    groups = {}
    for group, texts in requirements.items():
        groups[group] = tuple(required_name(text) for text in texts)
    return PackageTree(manifest=manifest, lock=lock, entries=entries, groups=groups)


def _parse_json(name: str, files: LockFiles) -> JsonObject:
    try:
        data = _load(files.get(name, "{}"))
    except ValueError as error:
        raise _malformed(name, str(error)) from error
    if not isinstance(data, dict):
        raise _malformed(name, "it is not an object")
    return data


@lru_cache(maxsize=4)  # the same lock is read for many stages and platforms; nobody changes it
def _load(text: str) -> Any:
    return json.loads(text)


def _malformed(name: str, reason: str) -> ExpectedError:
    return ExpectedError(f"{name} is malformed: {reason}", "restore it from git, or lock again")


def to_json(data: Mapping[str, Any]) -> str:
    """Return JSON in npm's own layout."""
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def required_name(requirement: str) -> str:
    """Return the name in a requirement: ``@scope/a`` of ``@scope/a@^1``."""
    return requirement[:1] + requirement[1:].partition("@")[0]


def package_name(path: str, entry: LockEntry) -> str:
    """Return the registry's name of the package at a path.

    The path of an alias ends in the alias; the entry then has the real name.
    """
    return str(entry.get("name") or installed_name(path))


def installed_name(path: str) -> str:
    """Return the name under which npm installs the package at a path: that of its folder."""
    return path.rpartition("node_modules/")[2]


def registry_packages(tree: PackageTree) -> Iterator[tuple[str, JsonObject]]:
    """Yield the paths and entries of packages from a registry: no project, workspace or link."""
    for path, entry in tree.entries.items():
        # A workspace lies outside of node_modules, and a link in there refers to it.
        if "node_modules/" in path and not entry.get("link"):
            yield path, entry


def find(entries: Collection[str], path: str, name: str) -> str | None:
    """Return the path at which Node finds the package ``name``, required by the one at ``path``.

    Node searches below the requiring package first, and then at each level above it.
    """
    while True:
        candidate = f"{path}/node_modules/{name}" if path else f"node_modules/{name}"
        if candidate in entries:
            return candidate
        if not path:
            return None
        path = path.rpartition(NESTED)[0]


def required_names(entry: LockEntry) -> Iterator[str]:
    """Yield the names that an entry requires.

    Optional peers are not required: npm only checks their version if they are present.
    """
    yield from entry.get("dependencies", ())
    yield from entry.get("optionalDependencies", ())
    peers_meta = entry.get("peerDependenciesMeta", {})
    for name in entry.get("peerDependencies", ()):
        if not peers_meta.get(name, {}).get("optional"):
            yield name


def reachable_paths(
    tree: PackageTree,
    names: Iterable[str],
    fits: Callable[[str, LockEntry], bool] = lambda _path, _entry: True,
) -> set[str]:
    """Return the paths of all packages that the project's requirements of these names need.

    Does not follow the requirements of packages for which ``fits`` is false.
    """
    reached: set[str] = set()
    queue = [find(tree.entries, "", name) for name in names]
    while queue:
        path = queue.pop()
        if path is None or path in reached or not fits(path, tree.entries[path]):
            continue
        reached.add(path)
        queue += _next_paths(tree, path)
    return reached


def _next_paths(tree: PackageTree, path: str) -> Iterator[str | None]:
    entry = tree.entries[path]
    if entry.get("link"):
        yield entry["resolved"] if entry["resolved"] in tree.entries else None
    elif entry.get("bundleDependencies"):
        yield from _bundled_paths(tree, path)
    for name in required_names(entry):
        yield find(tree.entries, path, name)


def _bundled_paths(tree: PackageTree, path: str) -> Iterator[str]:
    """Yield the paths of the packages inside the tarball of the package at ``path``."""
    for nested, entry in tree.entries.items():
        if nested.startswith(path + NESTED) and entry.get("inBundle"):
            yield nested


def artifact(path: str, entry: LockEntry) -> Artifact | None:
    """Return the tarball of an entry, or None for a package inside another one's tarball.

    Raises ExpectedError if the entry has no sha512.
    """
    if entry.get("inBundle"):
        return None
    name, version = package_name(path, entry), entry["version"]
    base_name = name.rpartition("/")[2]
    address = source_of(str(entry.get("resolved", "")))
    return Artifact(
        file=f"{name.removeprefix('@').replace('/', '__')}-{version}.tgz",
        hash=f"sha512:{_sha512(path, entry)}",
        source=address or f"{name}/-/{base_name}-{version}.tgz",
    )


def _sha512(path: str, entry: LockEntry) -> str:
    """Return the sha512 of an entry in hexadecimal; ``integrity`` may list several hashes."""
    for integrity in str(entry.get("integrity", "")).split():
        algorithm, _, value = integrity.partition("-")
        if algorithm == "sha512":
            return b64decode(value.partition("?")[0]).hex()
    name, version = package_name(path, entry), entry.get("version", "")
    raise ExpectedError(
        f"{LOCK}: {name} {version} ({path}) has no sha512 integrity",
        "use a registry that provides sha512 hashes, or another version of this package",
    )


def runs_on(entry: LockEntry, target: Target) -> bool:
    """Return whether npm installs the entry on the target; an unknown C library matches any."""
    _, _, machine = target.platform.partition("/")
    architecture = machine.partition("/")[0]
    cpu = CPUS.get(architecture, architecture)
    if not _allows(entry.get("os"), "linux"):
        return False
    if not _allows(entry.get("cpu"), cpu):
        return False
    library = ""
    if target.glibc:
        library = "glibc"
    elif target.musl:
        library = "musl"
    return not library or _allows(entry.get("libc"), library)


def _allows(field: str | list[str] | None, value: str) -> bool:
    """Evaluate the fields os, cpu and libc (``npm help package-json``).

    They list names to allow; ``!name`` forbids a name.
    """
    names = [field] if isinstance(field, str) else field or ["any"]
    allowed = [name for name in names if not name.startswith("!")]
    if f"!{value}" in names:
        return False
    return not allowed or value in allowed or "any" in allowed
