"""Requested packages of locks that do not record them, from the file next to the lock.

``conda-lock.yml`` was made from ``environment.yml``, ``pixi.lock`` from ``pixi.toml`` or
``pyproject.toml``, and ``poetry.lock`` and ``pylock.toml`` from ``pyproject.toml``.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from msgspec.structs import replace

from orbiter.lockfiles.document import load_toml
from orbiter.lockfiles.pip_files import normalise
from orbiter.lockfiles.types import Lock, PackageEntry
from orbiter.lockfiles.yaml import load_yaml
from resolvers.errors import ExpectedError

Requested = tuple[str, str]
"""Manager and normalised name."""

NAME = re.compile(r"\s*(?:[\w./-]+::)?([A-Za-z0-9_][\w.-]*)")

ENVIRONMENTS = ("environment.yml", "environment.yaml")
SIBLINGS: Mapping[str, tuple[str, ...]] = {
    "conda-lock.yml": ENVIRONMENTS,
    "explicit": ENVIRONMENTS,
    "pixi.lock": ("pixi.toml", "pyproject.toml"),
    "poetry.lock": ("pyproject.toml",),
    "pylock.toml": ("pyproject.toml",),
}
"""Files that may contain the requests, by the first word of the lock's format."""

TABLES = {"dependencies": "conda", "pypi-dependencies": "pip"}
"""Tables of requests in a pixi.toml, also below features and targets."""


def with_requests(lock: Lock, read_sibling: Callable[[str], str]) -> Lock:
    """Return the lock with its direct requirements, if a sibling lists any of its packages.

    ``read_sibling`` returns the text of a file next to the lock, or "" if there is none.
    """
    for name in SIBLINGS.get(lock.format.partition(" ")[0], ()):
        text = read_sibling(name)
        requested = set(_requests(name, text)) if text else set()
        marked = _mark(lock, requested)
        if marked != lock:
            return replace(marked, notes=(*lock.notes, f"direct requirements are those of {name}"))
    return lock


def _mark(lock: Lock, requested: set[Requested]) -> Lock:
    packages = [package for found in lock.packages.values() for package in found]
    recorded = {package.manager for package in packages if package.direct is not None}
    # A sibling without any package of a manager says nothing about that manager.
    named = {each.manager for each in packages if (each.manager, each.name) in requested}
    managers = named - recorded

    def mark(package: PackageEntry) -> PackageEntry:
        if package.manager not in managers:
            return package
        return replace(package, direct=(package.manager, package.name) in requested)

    if not managers:
        return lock
    # Scopes share their entries, and so do the marked ones.
    marked = {id(package): mark(package) for package in packages}
    return replace(
        lock,
        packages={
            scope: tuple(marked[id(package)] for package in found)
            for scope, found in lock.packages.items()
        },
    )


def _requests(name: str, text: str) -> Iterator[Requested]:
    try:
        data = load_toml(name, text) if name.endswith(".toml") else load_yaml(name, text)
    except ExpectedError:
        return  # the file belongs to another tool, and the lock can be compared without it
    if name in ENVIRONMENTS:
        yield from _of_environment(data.get("dependencies"))
        return
    tool = _table(data, "tool")
    yield from _of_pixi(data if name == "pixi.toml" else _table(tool, "pixi"))
    if name == "pyproject.toml":
        yield from _of_project(_table(data, "project"))
        yield from _of_poetry(_table(tool, "poetry"))


def _of_environment(dependencies: object) -> Iterator[Requested]:
    if not isinstance(dependencies, list):
        return
    for item in dependencies:
        if isinstance(item, dict):
            yield from _of_specifiers(item.get("pip"))
        elif match := NAME.match(str(item)):
            yield "conda", match[1].lower()


def _of_pixi(tables: Mapping[str, Any]) -> Iterator[Requested]:
    """Yield the requests of a pixi.toml, also those of its features and targets."""
    for key, table in tables.items():
        if not isinstance(table, dict):
            continue
        if key in TABLES:
            for name in table:
                manager = TABLES[key]
                yield manager, normalise(name) if manager == "pip" else name.lower()
        elif key in {"feature", "target"}:
            for each in table.values():
                yield from _of_pixi(each if isinstance(each, dict) else {})


def _of_project(project: Mapping[str, Any]) -> Iterator[Requested]:
    yield from _of_specifiers(project.get("dependencies"))
    for extra in _table(project, "optional-dependencies").values():
        yield from _of_specifiers(extra)


def _of_poetry(poetry: Mapping[str, Any]) -> Iterator[Requested]:
    groups = _table(poetry, "group").values()
    tables = [poetry.get("dependencies"), poetry.get("dev-dependencies")]
    tables += [group.get("dependencies") for group in groups if isinstance(group, dict)]
    for table in tables:
        for name in table if isinstance(table, dict) else ():
            yield "pip", normalise(name)


def _of_specifiers(specifiers: object) -> Iterator[Requested]:
    """Yield the names in Python requirements: ``numpy[extra]>=2 ; marker``."""
    if isinstance(specifiers, list):
        for specifier in specifiers:
            if match := NAME.match(str(specifier)):
                yield "pip", normalise(match[1])


def _table(data: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = data.get(key)
    return value if isinstance(value, dict) else {}
