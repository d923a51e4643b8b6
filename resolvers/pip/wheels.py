"""The choice among the files of a package: the best wheel for a target, or the sdist.

The tags of wheels are those of PEP 425, PEP 600 (manylinux) and PEP 656 (musllinux).
"""

from collections.abc import Iterable, Iterator
from functools import cache

from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from resolvers.pip.markers import machine
from resolvers.types.packages import Artifact
from resolvers.types.request import Target

OLDEST_GLIBC = {"x86_64": 5, "aarch64": 17}
"""The oldest minor version of glibc 2 that manylinux wheels support on a machine."""
LEGACY_TAGS = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}
"""Minor versions of glibc 2 to the tags that PEP 600 replaced."""
SDIST_SUFFIXES = (".tar.gz", ".zip", ".tar.bz2", ".tar.xz", ".tgz")
"""Suffixes of sdists, in order of preference."""


@cache
def tags(target: Target) -> dict[Tag, int]:
    """Return the tags of wheels that the target can install, with their rank (0 is the best)."""
    major, minor = map(int, target.python.split(".")[:2])
    interpreter = f"cp{major}{minor}"
    platforms = list(_platform_tags(machine(target.platform), target))
    ordered = [
        *cpython_tags((major, minor), [interpreter], platforms),
        *compatible_tags((major, minor), interpreter, platforms),
    ]
    ranks: dict[Tag, int] = {}
    for rank, tag in enumerate(ordered):
        ranks.setdefault(tag, rank)
    return ranks


@cache
def _tag_parts(target: Target) -> tuple[frozenset[str], ...]:
    """Return the interpreters, ABIs and platforms in the tags of a target."""
    supported = tags(target)
    return (
        frozenset(tag.interpreter for tag in supported),
        frozenset(tag.abi for tag in supported),
        frozenset(tag.platform for tag in supported),
    )


def _platform_tags(machine: str, target: Target) -> Iterator[str]:
    for minor in range(_minor(target.glibc), OLDEST_GLIBC[machine] - 1, -1):
        yield f"manylinux_2_{minor}_{machine}"
        if minor in LEGACY_TAGS:
            yield f"{LEGACY_TAGS[minor]}_{machine}"
    for minor in range(_minor(target.musl), 0, -1):
        yield f"musllinux_1_{minor}_{machine}"
    yield f"linux_{machine}"


def _minor(version: str) -> int:
    return int(version.split(".")[1]) if version else 0


def best_wheel(artifacts: Iterable[Artifact], target: Target) -> Artifact | None:
    """Return the wheel that an installer prefers on the target, or None if no wheel fits."""
    fitting = []
    for artifact in artifacts:
        rank = _rank(artifact.file, target)
        if rank is not None:
            fitting.append((rank, artifact))
    if not fitting:
        return None
    _, best = min(fitting)
    return best


def _rank(file_name: str, target: Target) -> tuple[int, int, str] | None:
    if not _may_fit(file_name, target):
        return None
    try:
        _, _, build, wheel_tags = parse_wheel_filename(file_name)
    except InvalidWheelFilename:  # also raised for every sdist
        return None
    supported = tags(target)
    ranks = [supported[tag] for tag in wheel_tags if tag in supported]
    if not ranks:
        return None
    number, suffix = build or (0, "")  # of two equal wheels, the higher build number wins
    return min(ranks), -number, suffix


def _may_fit(file_name: str, target: Target) -> bool:
    """Return whether each part of a wheel's tags is one of the target's.

    Most of a package's wheels are for other targets, and their names take long to parse.
    """
    _, *parts = file_name.removesuffix(".whl").lower().rsplit("-", maxsplit=3)
    supported = _tag_parts(target)
    return len(parts) == len(supported) and not any(
        known.isdisjoint(part.split(".")) for part, known in zip(parts, supported, strict=True)
    )


def sdist(artifacts: Iterable[Artifact]) -> Artifact | None:
    """Return the sdist among a package's files, or None."""
    files = list(artifacts)
    for suffix in SDIST_SUFFIXES:
        for artifact in files:
            if artifact.file.endswith(suffix):
                return artifact
    return None
