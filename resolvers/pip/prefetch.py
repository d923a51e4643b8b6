"""What Poetry will ask the view of the index for next."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from email.parser import HeaderParser
from functools import cache

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from resolvers.index.index_file import IndexFile, version_of
from resolvers.net import prefetch
from resolvers.pip import wheels
from resolvers.pip.index_proxy import View
from resolvers.types import Target


@contextmanager
def looking(
    view: View, requirements: Iterable[str], pins: Mapping[str, str], target: Target
) -> Iterator[None]:
    """Prefetcher from the requirements to what they need while the context lasts; ``pins`` are likely versions."""
    likely = {name: Version(version) for name, version in pins.items()}

    def follow(requirement: Requirement) -> Iterable[Requirement]:
        wheel = _likely(view, likely, target, requirement)
        return _needs(view.metadata(wheel) if wheel else b"", requirement.extras, target)

    with prefetch.prefetching(follow, _key) as walk:
        walk.start(*map(Requirement, requirements))
        yield


def _key(requirement: Requirement) -> tuple[str, frozenset[str]]:
    return canonicalize_name(requirement.name), frozenset(requirement.extras)


def _likely(
    view: View, pins: Mapping[str, Version], target: Target, requirement: Requirement
) -> IndexFile | None:
    name = canonicalize_name(requirement.name)
    wheels_of = _usable(view.files(name).values(), target.python)
    allowed = list(requirement.specifier.filter(wheels_of)) or list(wheels_of)
    if not allowed:
        return None
    pin = pins.get(name)
    return _asked_first(wheels_of[pin if pin in allowed else max(allowed)])


def _usable(files: Iterable[IndexFile], python: str) -> dict[Version, list[IndexFile]]:
    """Wheels by version. Names are only split: this sees every file of a project, thousands for some."""
    by_text: dict[str, list[IndexFile]] = {}
    for file in files:
        if (
            file.name.endswith(".whl")
            and file.yanked is None
            and _runs(file.requires_python, python)
        ):
            by_text.setdefault(file.name.split("-", 2)[1], []).append(file)
    versions = {text: version_of(found[0].name) for text, found in by_text.items()}
    return {version: by_text[text] for text, version in versions.items() if version}


@cache
def _runs(requires_python: str, python: str) -> bool:
    try:
        return SpecifierSet(requires_python).contains(python)
    except InvalidSpecifier:
        return False


def _asked_first(files: list[IndexFile]) -> IndexFile:
    """The wheel whose metadata Poetry reads: one for every platform if there is one, else the first."""
    return next((file for file in files if file.name.endswith("-none-any.whl")), files[0])


def _needs(metadata: bytes, extras: set[str], target: Target) -> Iterator[Requirement]:
    headers = HeaderParser().parsestr(metadata.decode("utf-8", "replace"))
    environment = wheels.environment(target)
    for line in headers.get_all("Requires-Dist", []):
        try:
            needed = Requirement(line)
        except InvalidRequirement:
            continue
        environments = [environment | {"extra": extra} for extra in (extras or {""})]
        if needed.marker is None or any(needed.marker.evaluate(each) for each in environments):
            yield needed
