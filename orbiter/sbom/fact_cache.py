"""Facts that were read from packages before, in the cache.

They follow from the bytes of a package, which its hash names, so they never become wrong. Reading
the licences of some hundred Debian packages takes seconds, because archives have them at the end.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from orbiter import __version__
from orbiter.sbom.model import Component
from resolvers import cache

FORMAT = 1
"""Increase it if readers find other facts in the same packages."""


class Facts(NamedTuple):
    """The fields of a component that come from its package."""

    license: str
    maintainer: str
    source_package: str
    purl: str


FactsByKey = dict[str, Facts]


def load() -> FactsByKey:
    """Return all facts in the cache; an unreadable file counts as empty."""
    with suppress(OSError, msgspec.DecodeError):
        return msgspec.msgpack.decode(_path().read_bytes(), type=FactsByKey)
    return {}


def with_facts(component: Component, facts: Mapping[str, Facts]) -> Component | None:
    """Return a component with its facts; None if they are not in the cache."""
    known = facts.get(_key(component))
    return replace(component, **known._asdict()) if known else None


def add(components: Iterable[tuple[Component, Component]], known: Mapping[str, Facts]) -> None:
    """Write new facts of components, given before and after their packages were read."""
    new = {
        _key(before): Facts(*(getattr(after, field) for field in Facts._fields))
        for before, after in components
    }
    if new.keys() - known.keys():
        cache.write(_path(), msgspec.msgpack.encode({**known, **new}))


def _path() -> Path:
    return cache.folder("facts") / f"{__version__}-{FORMAT}.msgpack"


def _key(component: Component) -> str:
    return f"{component.hash} {component.name} {component.version} {component.purl}"
