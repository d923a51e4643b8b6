"""Prefetching for Poetry: guesses the next packages it needs and fetches their metadata."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from email.parser import HeaderParser

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from resolvers.index.index_file import IndexFile, supports, version_of
from resolvers.net import prefetch
from resolvers.pip import markers
from resolvers.pip.index_proxy import IndexProxy
from resolvers.types.request import Target


@contextmanager
def prefetching(
    proxy: IndexProxy,
    requirements: Iterable[str],
    likely_versions: Mapping[str, str],
    target: Target,
) -> Iterator[None]:
    """Fetch pages and metadata from the requirements downward while the context lasts.

    ``likely_versions`` maps names to the versions that the engine will most likely choose.
    """
    likely = {name: Version(version) for name, version in likely_versions.items()}

    def fetch(requirement: Requirement) -> Iterable[Requirement]:
        wheel = _likely_wheel(proxy, likely, target, requirement)
        metadata = proxy.metadata(wheel) if wheel else b""
        return _requirements_in(metadata, requirement.extras, target)

    with prefetch.prefetching(fetch, _key) as prefetcher:
        prefetcher.start(*map(Requirement, requirements))
        yield


def _key(requirement: Requirement) -> tuple[str, frozenset[str]]:
    return canonicalize_name(requirement.name), frozenset(requirement.extras)


def _likely_wheel(
    proxy: IndexProxy, likely: Mapping[str, Version], target: Target, requirement: Requirement
) -> IndexFile | None:
    name = canonicalize_name(requirement.name)
    wheels = _usable_wheels(proxy.files(name).values(), target.python)
    # A wrong guess costs only time, so guess even if no version meets the requirement.
    allowed = list(requirement.specifier.filter(wheels)) or list(wheels)
    if not allowed:
        return None
    version = likely.get(name)
    if version not in allowed:
        version = max(allowed)
    return _read_first(wheels[version])


def _usable_wheels(files: Iterable[IndexFile], python: str) -> dict[Version, list[IndexFile]]:
    """Group the wheels that are not yanked and run on a Python by their version."""
    # Some projects have thousands of files. So parse one file name per version only.
    by_text: dict[str, list[IndexFile]] = {}
    for file in files:
        is_wheel = file.name.endswith(".whl") and file.yanked is None
        if is_wheel and supports(file.requires_python, python):
            by_text.setdefault(file.name.split("-", 2)[1], []).append(file)
    versions = {text: version_of(wheels[0].name) for text, wheels in by_text.items()}
    return {version: by_text[text] for text, version in versions.items() if version}


def _read_first(wheels: list[IndexFile]) -> IndexFile:
    """Return the wheel whose metadata Poetry reads: one for every platform, else the first."""
    universal = (wheel for wheel in wheels if wheel.name.endswith("-none-any.whl"))
    return next(universal, wheels[0])


def _requirements_in(metadata: bytes, extras: set[str], target: Target) -> Iterator[Requirement]:
    """Yield the requirements in a METADATA that apply to the target with these extras."""
    headers = HeaderParser().parsestr(metadata.decode("utf-8", "replace"))
    environment = markers.environment(target)
    environments = [environment | {"extra": extra} for extra in (extras or {""})]
    for line in headers.get_all("Requires-Dist", []):
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            continue  # old packages have some; Poetry decides what they mean
        if requirement.marker is None or any(map(requirement.marker.evaluate, environments)):
            yield requirement
