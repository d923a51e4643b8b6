"""Names of packages that are known, and names that look like a widely used one.

The list is made of real lock files: see ``tests/support/known_names.py``. Only managers whose
indexes accept packages from anybody have such names.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, cached_property
from pathlib import Path

import msgspec

PATH = Path(__file__).with_suffix(".json")
MANAGERS = ("npm", "pip")
MIN_LENGTH = 5
"""Length of the shortest compared name. Most shorter names are one edit from another one."""
MAX_LENGTH = 80
"""Length of the longest compared name; the time to compare grows with the square."""
SEPARATORS = re.compile(r"[-_.]")
DIGITS = re.compile(r"[0-9]+")
SIMILAR = (("0", "o"), ("1", "l"), ("i", "l"), ("rn", "m"), ("vv", "w"))
"""Letters that look like others in many fonts."""


class ManagerNames(msgspec.Struct, frozen=True):
    """The known names of a manager: those that several projects use, and all others."""

    widely_used: frozenset[str]
    others: frozenset[str]


class KnownNames(msgspec.Struct, frozen=True):
    """The list; ``date`` is that of its newest lock file."""

    date: str
    managers: Mapping[str, ManagerNames]


@cache
def known_names() -> KnownNames:
    """Return the list that Orbiter contains."""
    return msgspec.json.decode(PATH.read_bytes(), type=KnownNames)


class LookAlikes:
    """The names that look like a widely used name of one manager."""

    def __init__(self, names: ManagerNames) -> None:
        self._known = names.widely_used | names.others
        self._targets = names.widely_used
        self._known_scopes = {_scope(name) for name in self._known}

    def find(self, name: str) -> str:
        """Return the widely used name that an unknown name looks like, "" if there is none."""
        if name in self._known or len(name) > MAX_LENGTH:
            return ""
        scope = _scope(name)
        if not scope:
            return self._nearest(name, self._unscoped, self._skeletons)
        # All names of a scope belong to its owner, so only the scope itself can imitate another.
        if scope in self._known_scopes:
            return ""
        return self._nearest(scope, self._scopes, {})

    def _nearest(
        self, name: str, targets: Mapping[str, list[str]], skeletons: Mapping[str, str]
    ) -> str:
        if len(name) < MIN_LENGTH:
            return ""
        near = {target for key in _keys(name) for target in targets.get(key, ())}
        found = [target for target in sorted(near) if _is_one_edit(name, target)]
        if same := skeletons.get(_skeleton(name)):
            found.append(same)
        return next((each for each in found if not _differ_in_digits(name, each)), "")

    @cached_property
    def _unscoped(self) -> Mapping[str, list[str]]:
        return _by_key(each for each in self._targets if not _scope(each))

    @cached_property
    def _scopes(self) -> Mapping[str, list[str]]:
        return _by_key({_scope(each) for each in self._targets} - {""})

    @cached_property
    def _skeletons(self) -> Mapping[str, str]:
        names = (each for each in sorted(self._targets) if len(each) >= MIN_LENGTH)
        return {_skeleton(each): each for each in names if not _scope(each)}


@cache
def look_alikes(manager: str) -> LookAlikes | None:
    """Return the names of a manager; None if its names are not compared."""
    names = known_names().managers.get(manager)
    return LookAlikes(names) if names else None


def _scope(name: str) -> str:
    """Return the scope of an npm package with its @, "" for other names."""
    scope, slash, _ = name.partition("/")
    return scope if slash and scope.startswith("@") else ""


def _keys(name: str) -> Iterator[str]:
    """Yield a name and all texts with one character less: one edit apart means a common key."""
    yield name
    for position in range(len(name)):
        yield name[:position] + name[position + 1 :]


def _by_key(names: Iterable[str]) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name in sorted(names):
        if MIN_LENGTH <= len(name) <= MAX_LENGTH:
            for key in dict.fromkeys(_keys(name)):
                found.setdefault(key, []).append(name)
    return found


def _is_one_edit(name: str, other: str) -> bool:
    """Return whether one added, removed, replaced or swapped character makes the other name."""
    shorter, longer = sorted((name, other), key=len)
    start = next(
        (at for at, (a, b) in enumerate(zip(shorter, longer, strict=False)) if a != b),
        len(shorter),
    )
    if len(shorter) < len(longer):
        return shorter[start:] == longer[start + 1 :]
    is_replaced = name[start + 1 :] == other[start + 1 :]
    is_swapped = name[start : start + 2] == other[start : start + 2][::-1]
    return is_replaced or (is_swapped and name[start + 2 :] == other[start + 2 :])


def _skeleton(name: str) -> str:
    text = SEPARATORS.sub("", name)
    for letters, similar in SIMILAR:
        text = text.replace(letters, similar)
    return text


def _differ_in_digits(name: str, other: str) -> bool:
    """Return whether two names are versions of one name, such as cssselect and cssselect2."""
    return DIGITS.sub("", name) == DIGITS.sub("", other)
