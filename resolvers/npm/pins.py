"""Pins of a package-lock.json that Orbiter wrote, in which every entry is a package. Pure."""

from collections.abc import Callable, Collection
from typing import NamedTuple

from resolvers.npm.lock_file import NESTED, JsonObject, LockEntry, installed_name, package_name


class NpmPin(NamedTuple):
    """A name and a version in a lock."""

    name: str
    version: str


def pins(lock: JsonObject) -> set[NpmPin]:
    """Return all pins of a lock; the entry of the empty path is the project itself."""
    entries = lock.get("packages", {})
    return {_pin(path, entry) for path, entry in entries.items() if path}


def _pin(path: str, entry: LockEntry) -> NpmPin:
    return NpmPin(package_name(path, entry), entry["version"])


def names(lock: JsonObject) -> set[str]:
    """Return the names of all pins of a lock."""
    return {pin.name for pin in pins(lock)}


def without(lock: JsonObject, is_removed: Callable[[NpmPin], bool]) -> JsonObject:
    """Return the lock without some pins and everything nested below them; npm fills the gaps."""
    entries = lock.get("packages", {})
    return _without_paths(
        lock, {path for path, entry in entries.items() if path and is_removed(_pin(path, entry))}
    )


def without_installed(lock: JsonObject, names: Collection[str]) -> JsonObject:
    """Return the lock without the pins that npm installs under some names, as ``without`` does."""
    paths = lock.get("packages", {})
    return _without_paths(lock, {path for path in paths if path and installed_name(path) in names})


def _without_paths(lock: JsonObject, removed: Collection[str]) -> JsonObject:
    if not removed:
        return lock
    entries = lock.get("packages", {})
    nested = tuple(path + NESTED for path in removed)
    remaining = {}
    for path, entry in entries.items():
        if path not in removed and not path.startswith(nested):
            remaining[path] = entry
    return lock | {"packages": remaining}
