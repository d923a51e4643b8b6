"""The lock format of uv: uv.lock, version 1. Pure."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping

from packaging.utils import canonicalize_name

from resolvers.pip import markers
from resolvers.pip.pyproject import PROJECT
from resolvers.pip.toml_file import Table, read_toml
from resolvers.types.packages import Artifact, LockFiles, Package
from resolvers.types.request import Target

FILE = "uv.lock"


def read(files: LockFiles) -> tuple[Package, ...]:
    """Return all packages of the lock, sorted."""
    graph = _Graph(files)
    groups: dict[tuple[str, str], list[str]] = {}
    for group in graph.groups:
        for package in graph.walk(group, target=None):
            groups.setdefault(_key(package), []).append(group)
    packages = []
    for package in graph.packages:
        packages.append(_package(package, groups.get(_key(package), ())))
    return tuple(sorted(packages))


def packages_for(files: LockFiles, target: Target, groups: frozenset[str]) -> tuple[Package, ...]:
    """Return the packages that the groups (normalised names) need on the target."""
    graph = _Graph(files)
    by_name: dict[str, Package] = {}
    for group in graph.groups:
        if canonicalize_name(group) not in groups:
            continue
        for package in graph.walk(group, target):
            by_name[package["name"]] = _package(package, groups=())
    return tuple(by_name.values())


class _Graph:
    """The packages of a lock, and the requirements of each dependency group."""

    def __init__(self, files: LockFiles) -> None:
        packages = read_toml(files, FILE).get("package", [])
        self.packages = [package for package in packages if package["name"] != PROJECT]
        self.groups: Mapping[str, list[Table]] = {}
        for package in packages:
            if package["name"] == PROJECT:
                self.groups = package.get("dev-dependencies", {})

    def walk(self, group: str, target: Target | None) -> Iterator[Table]:
        """Yield each package that the group needs on the target, or on any target for None."""
        queue = deque(self.groups[group])
        seen: set[tuple[str, str, str]] = set()
        while queue:
            requirement = queue.popleft()
            if target and not markers.applies(requirement.get("marker", ""), target):
                continue
            for package in self._matching(requirement, target):
                for extra in ("", *requirement.get("extra", ())):
                    key = (*_key(package), extra)
                    if key in seen:
                        continue
                    seen.add(key)
                    queue.extend(_requirements(package, extra))
                    # An extra adds requirements, but is not a package of its own.
                    if not extra:
                        yield package

    def _matching(self, requirement: Table, target: Target | None) -> Iterator[Table]:
        """Yield the packages that a requirement refers to; several if the lock is forked."""
        for package in self.packages:
            if package["name"] != requirement["name"]:
                continue
            if requirement.get("version", package["version"]) != package["version"]:
                continue
            # uv locks several versions of a package if the targets need different ones.
            forks = package.get("resolution-markers", ())
            if not target or not forks or any(markers.applies(fork, target) for fork in forks):
                yield package


def _key(package: Table) -> tuple[str, str]:
    return package["name"], package["version"]


def _requirements(package: Table, extra: str) -> list[Table]:
    """Return the requirements of an extra, or the package's own ones for ""."""
    requirements: list[Table] = package.get("dependencies", [])
    if extra:
        requirements = package.get("optional-dependencies", {}).get(extra, [])
    return requirements


def _package(package: Table, groups: Iterable[str]) -> Package:
    extras = package.get("optional-dependencies", {})  # uv lists only extras that are required
    requires: set[str] = set()
    for extra in ("", *extras):
        requires.update(requirement["name"] for requirement in _requirements(package, extra))
    files = list(package.get("wheels", ()))
    if "sdist" in package:
        files.append(package["sdist"])
    artifacts = (
        Artifact(
            file=file["path"],
            hash=file["hash"],
            size=file.get("size", 0),
            source=f"{package['name']}/{file['path']}",
        )
        for file in files
    )
    return Package(
        manager="pip",
        name=package["name"],
        version=package["version"],
        groups=tuple(sorted(groups)),
        requires=tuple(sorted(requires)),
        artifacts=tuple(sorted(artifacts)),
    )
