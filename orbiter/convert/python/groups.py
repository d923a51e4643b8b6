"""Dependency groups of pyproject.toml, and the groups that they include."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from packaging.utils import canonicalize_name


class WrongGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Stands for the entries of a group that cannot be read, with the reason."""

    why: str


class IncludedGroups:
    """Reads each group once, however often others include it."""

    def __init__(self, groups: Mapping[str, Any]) -> None:
        self._groups = {canonicalize_name(name): entries for name, entries in groups.items()}
        self._seen: set[str] = set()
        self._parents: set[str] = set()

    def entries(self, name: str) -> Iterator[tuple[str, object]]:
        """Yield the entries of a group, and of the groups that it includes, in their order.

        Each comes with the name of its group. The groups may include each other in any number and
        to any depth, so this is a loop.
        """
        stack = [(name, self._enter(name))]
        while stack:
            group, entries = stack[-1]
            entry = next(entries, None)
            if entry is None:
                stack.pop()
                self._parents.discard(canonicalize_name(group))
            elif included := _included(entry):
                if canonicalize_name(included) in self._parents:
                    yield included, WrongGroup(why="it includes itself")
                else:
                    stack.append((included, self._enter(included)))
            else:
                yield group, entry

    def _enter(self, name: str) -> Iterator[object]:
        key = canonicalize_name(name)
        if key in self._seen:
            return iter(())
        self._seen.add(key)
        self._parents.add(key)
        entries = self._groups.get(key)
        return iter(entries if isinstance(entries, list) else [WrongGroup(why="it is not a list")])


def _included(entry: object) -> str:
    name = entry.get("include-group") if isinstance(entry, dict) else ""
    return name if isinstance(name, str) else ""
