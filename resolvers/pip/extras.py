"""Warnings about extras that a locked package does not have, so that nothing is installed for them.

Not only images.toml asks for extras: the packages that it requires do, too.
"""

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from email.message import Message
from email.parser import HeaderParser
from typing import NamedTuple

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from resolvers.pip import markers, sdists
from resolvers.pip.locked_files import LockedFile, headers
from resolvers.types.request import LockWarning, Request

DYNAMIC_SINCE = (2, 2)
"""Version of the metadata from which on an sdist says which of its headers may change."""


class _Demand(NamedTuple):
    """A requirement, and the package that has it; "" for images.toml."""

    requirement: Requirement
    parent: str = ""


def warnings(request: Request, files: Iterable[LockedFile]) -> Iterator[LockWarning]:
    """Yield a warning for each requested extra that the locked version does not have.

    Leaves out sdists that do not say which extras they have. Raises HTTPError.
    """
    by_name: dict[str, LockedFile] = {}
    for locked in files:
        # A wheel has all metadata, so it comes before an sdist of another platform.
        if locked.pin.name not in by_name or locked.file.name.endswith(".whl"):
            by_name[locked.pin.name] = locked
    # The requirements of a package are found once more for each set of its extras.
    for demand in dict.fromkeys(_demands(request, by_name)):
        locked = by_name[canonicalize_name(demand.requirement.name)]
        known = _extras_of(locked, request.pip.indexes)
        if known is not None:
            yield from _unknown(demand, locked, known)


def _demands(request: Request, by_name: Mapping[str, LockedFile]) -> Iterator[_Demand]:
    """Yield all requirements with extras of locked packages, those of images.toml first."""
    waiting = [
        _Demand(Requirement(text)) for group in request.groups for text in group.requirements
    ]
    seen: set[tuple[str, frozenset[str]]] = set()
    for demand in waiting:  # which grows
        name = canonicalize_name(demand.requirement.name)
        locked = by_name.get(name)
        if locked is None:
            continue
        if demand.requirement.extras:
            yield demand
        asked = (name, frozenset(demand.requirement.extras))
        if asked not in seen:
            seen.add(asked)
            waiting += _requirements_of(request, locked, demand.requirement.extras)


def _requirements_of(
    request: Request, locked: LockedFile, extras: Iterable[str]
) -> Iterator[_Demand]:
    """Yield the requirements of a wheel that apply to any target with these extras."""
    contexts = [
        markers.environment(target) | {"extra": extra}
        for target in request.targets
        for extra in ("", *extras)
    ]
    parent = f"{locked.pin.name} {locked.pin.version}"
    for line in headers(locked.file).get_all("Requires-Dist", ()):
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            continue  # old packages have some; the engine decides what they mean
        if requirement.marker is None or any(map(requirement.marker.evaluate, contexts)):
            yield _Demand(requirement, parent)


def _extras_of(locked: LockedFile, indexes: Mapping[str, str]) -> set[str] | None:
    """Return the extras of a locked file, or None if it does not say."""
    message = headers(locked.file)
    if not locked.file.name.endswith(".whl"):
        message = HeaderParser().parsestr(sdists.metadata(locked.pin, indexes))
        if not _lists_all_extras(message):
            return None
    return {canonicalize_name(name) for name in message.get_all("Provides-Extra", ())}


def _lists_all_extras(message: Message) -> bool:
    """Return whether building an sdist cannot add extras to those in its PKG-INFO."""
    dynamic = {name.lower() for name in message.get_all("Dynamic", ())}
    version = message.get("Metadata-Version", "0").split(".")
    is_number = all(part.isdigit() for part in version)
    is_static = is_number and tuple(map(int, version)) >= DYNAMIC_SINCE
    return is_static and "provides-extra" not in dynamic


def _unknown(demand: _Demand, locked: LockedFile, known: set[str]) -> Iterator[LockWarning]:
    for extra in sorted(demand.requirement.extras):
        name = canonicalize_name(extra)
        if name not in known:
            near = get_close_matches(name, known, n=1) or sorted(known)
            yield LockWarning(
                locked.pin.name,
                f"version {locked.pin.version} has no extra '{extra}', "
                f"so {_described(demand)} installs nothing more for it",
                _hint(demand, near),
            )


def _described(demand: _Demand) -> str:
    # The marker of a dependency says nothing about its extra.
    required = str(demand.requirement).partition(";")[0].strip()
    if demand.parent:
        return f"'{required}', which {demand.parent} requires,"
    return f"'{demand.requirement}'"


def _hint(demand: _Demand, near: list[str]) -> str:
    if demand.parent:
        return f"require what {demand.parent} needs, or another version of it"
    return f"available extras: {', '.join(near)}" if near else "remove it from the requirement"
