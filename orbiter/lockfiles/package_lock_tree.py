"""The packages of a package-lock.json by path, and the copies that Node finds for requirements."""

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

import msgspec

from orbiter.lockfiles.package_lock_v1 import NODE_MODULES

NESTED = f"/{NODE_MODULES}"
OUTSIDE = ("../", "/")
"""Start of a path outside the project."""


class NpmPackage(msgspec.Struct, rename="camel"):
    """A package as package-lock.json describes it; see ``npm help package-lock-json``."""

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
        """Return the groups that alone require the package; empty for a regular dependency."""
        flags = {
            "dev": self.dev or self.dev_optional,
            "optional": self.optional or self.dev_optional,
            "peer": self.peer,
        }
        return {group for group, is_set in flags.items() if is_set}

    def url(self) -> str:
        """Return the URL of the package.

        It is "" if the lock has none or the package is in the tarball of another.
        """
        return self.resolved if isinstance(self.resolved, str) else ""

    def licence(self) -> str:
        """Return the licence, which old packages write as an object."""
        licence = self.license
        if isinstance(licence, dict):
            licence = licence.get("type")
        return licence if isinstance(licence, str) else ""


PackagesByPath = Mapping[str, NpmPackage]
"""Packages by path: "" is the project; only local folders have no node_modules."""


class PackageTree:
    """The copies of packages; a copy is identified by its path.

    The path of a link stands for the folder that it leads to, if the lock has that folder.
    """

    def __init__(self, packages: PackagesByPath) -> None:
        self.packages = packages
        self._names = {target: name for name, target in _link_targets(packages)}
        self._folders: dict[str, dict[str, str]] = {}
        self._searched: dict[str, tuple[str, ...]] = {}
        for path in packages:
            folder, mark, name = path.rpartition(NODE_MODULES)
            if mark:
                self._folders.setdefault(folder.rstrip("/"), {})[name] = path

    def copies(self) -> Iterator[str]:
        """Yield the path of each copy; not the project, and not links to folders in the lock."""
        for path, package in self.packages.items():
            if path and not (package.link and package.url() in self.packages):
                yield path

    def name(self, path: str) -> str:
        """Return the name in the registry, which the package contains if its path has an alias."""
        if name := self.packages[path].name:
            return name
        if path in self._names:
            return self._names[path]
        return (
            path.rpartition(NODE_MODULES)[2].rpartition("/")[2] if is_local(path) else alias(path)
        )

    def requirements(self, path: str) -> Iterator[str]:
        """Yield the copies that a package requires; npm installs ``dev`` of local folders only."""
        package = self.packages[path]
        names = chain(
            package.dependencies, package.optional_dependencies, package.peer_dependencies
        )
        if is_local(path):
            names = chain(names, package.dev_dependencies)
        for name in dict.fromkeys(names):
            if found := self._find(path, name):
                yield found

    def direct(self) -> frozenset[str] | None:
        """Return the copies that the project or its workspace requires; None without a project.

        The members of the workspace are direct, too. They are folders of the project.
        """
        if "" not in self.packages:
            return None
        members = [
            path for path in self.packages if is_local(path) and not path.startswith(OUTSIDE)
        ]
        required = chain.from_iterable(map(self.requirements, members))
        return frozenset(chain(members, required))

    def _find(self, path: str, name: str) -> str | None:
        """Return the copy that Node finds for a requirement of the package at a path.

        Node searches in the package first, and then in each folder above it.
        """
        for folder in self._search_path(path):
            if found := self._folders[folder].get(name):
                package = self.packages[found]
                is_followed = package.link and package.url() in self.packages
                return package.url() if is_followed else found
        return None

    def _search_path(self, path: str) -> tuple[str, ...]:
        if path not in self._searched:
            own = (path,) if path in self._folders else ()
            parent = _parent(path)
            above = () if parent is None else self._search_path(parent)
            self._searched[path] = own + above
        return self._searched[path]


def _link_targets(packages: PackagesByPath) -> Iterator[tuple[str, str]]:
    """Yield the name and the target of each link."""
    for path, package in packages.items():
        if package.link:
            yield package.name or alias(path), package.url()


def alias(path: str) -> str:
    """Return the name that requirements use for the package at a path."""
    return path.rpartition(NODE_MODULES)[2]


def is_local(path: str) -> bool:
    """Return whether a path is a folder that npm did not install."""
    return NODE_MODULES not in path


def _parent(path: str) -> str | None:
    """Return the path above a package; None for the project and for folders outside of it."""
    if is_local(path):
        return None if not path or path.startswith(OUTSIDE) else ""
    return path.rpartition(NODE_MODULES)[0].rstrip("/")
