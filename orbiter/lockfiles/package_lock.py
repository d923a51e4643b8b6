"""Reader of package-lock.json, versions 1 to 3, and npm-shrinkwrap.json.

Format: npm help package-lock-json. Version 1 is a tree of names. Versions 2 and 3 map paths
(``node_modules/a/node_modules/b``) to packages; version 2 also contains the tree for npm 6.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import msgspec

from orbiter.lockfiles.document import (
    DAMAGED,
    convert,
    line_of,
    load_json,
    unsupported_version,
    without_credentials,
)
from orbiter.lockfiles.npm_files import merge_copies, tarball
from orbiter.lockfiles.other_files import BUN
from orbiter.lockfiles.package_lock_tree import (
    NpmPackage,
    PackagesByPath,
    PackageTree,
    alias,
    is_local,
)
from orbiter.lockfiles.package_lock_v1 import MAX_PATH, InvalidTreeError, tree_as_paths
from orbiter.lockfiles.types import Copy, EntryFault, Lock, PackageEntry, Scope
from resolvers.errors import ExpectedError

NEWEST = 3
TREE, TREE_AND_PATHS = 1, 2

NAMES_IN_NOTE = 5

MARK = re.compile(r'"lockfileVersion"\s*:')


class _Context(NamedTuple):
    """The values that all packages of a lock share; ``direct`` are paths, None if unknown."""

    tree: PackageTree
    registry: str
    direct: frozenset[str] | None


def recognises(text: str) -> bool:
    """Return whether a text is a JSON object with a ``lockfileVersion``, except a bun.lock."""
    is_json = text.lstrip()[:1] == "{"
    return is_json and MARK.search(text) is not None and not BUN.match(text)


def read(name: str, text: str) -> Lock:
    """Read a package-lock.json.

    A name, version and source become one package, however many paths have it.
    """
    data = load_json(name, text)
    version = _check_version(name, data)
    if version == TREE:
        packages = _read_tree(name, text, data)
    else:
        packages = _read_packages(name, text, data.get("packages", {}))
    tree = PackageTree(packages)
    registry = _most_common_host(packages.values())
    entries = _entries(name, text, _Context(tree, registry, tree.direct()))
    notes = [_tarball_note(tree, path) for path in tree.copies() if not is_local(path)]
    if version == TREE_AND_PATHS:
        notes += _contradictions(name, text, data, packages)
    return Lock(
        name=name,
        format=f"package-lock.json {version}",
        packages={Scope(): entries},
        facts={"registry": {"of most packages": registry}} if registry else {},
        notes=tuple(filter(None, notes)),
    )


def _check_version(name: str, data: dict[str, Any]) -> int:
    version = data.get("lockfileVersion")
    # isinstance would accept true, because bool is a subclass of int.
    if type(version) is not int or version < TREE:
        raise ExpectedError(
            f"{name}: the 'lockfileVersion' must be a number from 1 to {NEWEST}, not {version!r}",
            DAMAGED,
        )
    if version > NEWEST:
        raise unsupported_version(name, "package-lock.json", version, str(NEWEST))
    return version


def _entries(name: str, text: str, context: _Context) -> tuple[PackageEntry, ...]:
    entries = []
    for path in context.tree.copies():
        try:
            entries.append(_entry(path, context))
        except ValueError as error:
            where = _where(name, text, path)
            raise ExpectedError(f"{where}: the integrity is not a valid hash", DAMAGED) from error
    return merge_copies(entries)


def _contradictions(
    name: str, text: str, data: dict[str, Any], packages: PackagesByPath
) -> Iterator[str]:
    """Yield a note if the tree of version 2 has other tarballs than its paths."""
    different = [
        path
        for path, package in _installed(_read_tree(name, text, data))
        if path in packages and not _is_same_tarball(package, packages[path])
    ]
    if different:
        names = ", ".join(different[:NAMES_IN_NOTE])
        more = len(different) - NAMES_IN_NOTE
        if more > 0:
            names += f" and {more} more"
        yield (
            "its 'dependencies', which npm 6 installs, differ from its 'packages', "
            f"compared here: {names}"
        )


def _is_same_tarball(package: NpmPackage, other: NpmPackage) -> bool:
    return (package.version, package.integrity) == (other.version, other.integrity)


def _installed(packages: PackagesByPath) -> Iterator[tuple[str, NpmPackage]]:
    """Yield the packages that are installed: not the project, local folders, or links."""
    for path, package in packages.items():
        if not is_local(path) and not package.link:
            yield path, package


def _read_packages(name: str, text: str, data: Any) -> PackagesByPath:
    try:
        packages = convert(name, text, data, dict[str, NpmPackage])
    except ExpectedError:
        _check_each(name, text, data)
        raise
    if longest := max(packages, key=len, default=""):
        _check_length(name, longest)
    return packages


def _check_each(name: str, text: str, data: Any) -> None:
    """Raise ExpectedError with the path of the first invalid package."""
    for path, package in data.items() if isinstance(data, dict) else ():
        try:
            msgspec.convert(package, NpmPackage)
        except msgspec.ValidationError:
            convert(_where(name, text, path), text, package, NpmPackage)


def _check_length(name: str, path: str) -> None:
    # The time to resolve a requirement grows with the depth of its package.
    if len(path) > MAX_PATH:
        raise ExpectedError(f"{name}: a path is longer than {MAX_PATH}: {path[:50]}…", DAMAGED)


def _read_tree(name: str, text: str, data: dict[str, Any]) -> PackagesByPath:
    try:
        packages = tree_as_paths(data)
    except InvalidTreeError as error:
        where = _where(name, text, error.path)
        raise ExpectedError(f"{where}: {error}", DAMAGED) from error
    return _read_packages(name, text, packages)


def _where(name: str, text: str, path: str) -> str:
    """Return the file and line of a path, or of the name if version 1 has no paths."""
    for key in (path, alias(path)):
        if (position := text.find(f'"{key}": ')) >= 0:
            return f"{name}:{line_of(text, position)}: {key}"
    return f"{name}: {path}"


def _most_common_host(packages: Iterable[NpmPackage]) -> str:
    """Return the host of most tarballs, which depends on the machine that wrote the lock."""
    urls = [package.url() for package in packages]
    hosts = Counter(_host(url) for url in urls if "://" in url)
    return hosts.most_common(1)[0][0] if hosts else ""


def _host(url: str) -> str:
    return without_credentials(url).partition("://")[2].partition("/")[0]


def _source(url: str, registry: str) -> tuple[str, str]:
    """Return the source of a package, "" for the main registry, and the git commit."""
    repository, _, commit = url.partition("#")
    if commit or repository.startswith("git"):
        return without_credentials(repository), commit
    if "://" not in url or url.startswith("file:"):
        return url, ""
    host = _host(url)
    return "" if host == registry else host, ""


def _entry(path: str, context: _Context) -> PackageEntry:
    """Return the entry of a package. Raises ValueError for an invalid integrity."""
    tree, registry, direct = context
    package, name = tree.packages[path], tree.name(path)
    source, commit = _source(package.url(), registry)
    if is_local(path):
        source = path
    required = tuple(tree.requirements(path))
    is_direct = None if direct is None else path in direct
    return PackageEntry(
        manager="npm",
        name=name,
        version=package.version,
        build=commit,
        source=source,
        files=tarball(name, package.version, package.integrity, package.url()),
        licence=package.licence(),
        requires=tuple(sorted(set(map(tree.name, required)))),
        direct=is_direct,
        groups=tuple(sorted(package.groups())),
        copies=(Copy(path, required, is_direct),),
    )


def _tarball_note(tree: PackageTree, path: str) -> str:
    """Return a note if the tarball is that of another package; "" otherwise.

    Such an entry results from a merge that took one line from each side.
    """
    package, name = tree.packages[path], tree.name(path)
    url = without_credentials(package.url().partition("#")[0])
    folder, mark, rest = url.rpartition("/-/")
    if not mark:
        return ""
    file = rest.rpartition("/")[2]
    expected = f"{name.rpartition('/')[2]}-{package.version.partition('+')[0]}"
    # Some registries encode the slash in the name of a scope.
    if folder.replace("%2f", "/").endswith(f"/{name}") and file.startswith(expected):
        return ""
    return EntryFault(f"{path} is {name} {package.version}, but its tarball is {file}")
