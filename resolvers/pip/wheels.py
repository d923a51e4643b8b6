"""Which file of a package fits a target, and what a wheel says about itself.

Tags are those of PEP 425, PEP 600 and PEP 656, markers those of PEP 508.
"""

from collections.abc import Iterable, Iterator
from functools import cache

from packaging.markers import Marker
from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from resolvers.errors import ExpectedError
from resolvers.types import Artifact, Target

MACHINES = {"linux/amd64": "x86_64", "linux/arm64": "aarch64"}
"""Docker's name of a platform to the kernel's name of the machine."""
OLDEST_GLIBC = {"x86_64": 5, "aarch64": 17}
"""The oldest minor version of glibc 2 that manylinux knows for a machine."""
ALIASES = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}
SDIST_ENDINGS = (".tar.gz", ".zip", ".tar.bz2", ".tar.xz", ".tgz")


def machine(target: Target) -> str:
    """The kernel's name of the target's machine. Raises ExpectedError for an unknown platform."""
    name = MACHINES.get(target.platform)
    if name is None:
        known = ", ".join(MACHINES)
        raise ExpectedError(
            f"pip cannot lock for platform '{target.platform}'", f"it knows {known}"
        )
    return name


def environment(target: Target) -> dict[str, str]:
    """What PEP 508 markers see on the target."""
    return {
        "implementation_name": "cpython",
        "implementation_version": target.python,
        "os_name": "posix",
        "platform_machine": machine(target),
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": "Linux",
        "platform_version": "",
        "python_full_version": target.python,
        "python_version": ".".join(target.python.split(".")[:2]),
        "sys_platform": "linux",
        "extra": "",
    }


def applies(marker: str, target: Target) -> bool:
    """Whether a PEP 508 marker holds on the target; the empty marker always does."""
    return not marker or _marker(marker).evaluate(environment(target))


@cache
def _marker(text: str) -> Marker:
    return Marker(text)


@cache
def tags(target: Target) -> dict[Tag, int]:
    """The tags of wheels that the target can install, each with its rank (0 is the best)."""
    major, minor = (int(part) for part in target.python.split(".")[:2])
    platforms = list(_platforms(machine(target), target))
    found = [
        *cpython_tags((major, minor), [f"cp{major}{minor}"], platforms),
        *compatible_tags((major, minor), f"cp{major}{minor}", platforms),
    ]
    return {tag: rank for rank, tag in reversed(list(enumerate(found)))}


def _platforms(machine: str, target: Target) -> Iterator[str]:
    newest = int(target.glibc.split(".")[1]) if target.glibc else 0
    for minor in range(newest, OLDEST_GLIBC[machine] - 1, -1):
        yield f"manylinux_2_{minor}_{machine}"
        if minor in ALIASES:
            yield f"{ALIASES[minor]}_{machine}"
    for minor in range(int(target.musl.split(".")[1]) if target.musl else 0, 0, -1):
        yield f"musllinux_1_{minor}_{machine}"
    yield f"linux_{machine}"


def best(artifacts: Iterable[Artifact], target: Target) -> Artifact | None:
    """The wheel that an installer takes on the target, None where no wheel fits."""
    ranked = [
        (rank, artifact)
        for artifact in artifacts
        if (rank := _rank(artifact.file, target)) is not None
    ]
    return min(ranked)[1] if ranked else None


def _rank(file: str, target: Target) -> tuple[int, int, str] | None:
    try:
        _, _, build, offered = parse_wheel_filename(file)
    except InvalidWheelFilename:  # also every sdist
        return None
    known = tags(target)
    ranks = [known[tag] for tag in offered if tag in known]
    number, suffix = build or (0, "")
    return (min(ranks), -number, suffix) if ranks else None


def sdist(artifacts: Iterable[Artifact]) -> Artifact | None:
    """The sdist among a package's files, None where there is none."""
    found = [artifact for artifact in artifacts if artifact.file.endswith(SDIST_ENDINGS)]
    return min(
        found, key=lambda artifact: SDIST_ENDINGS.index(_ending(artifact.file)), default=None
    )


def _ending(file: str) -> str:
    return next(ending for ending in SDIST_ENDINGS if file.endswith(ending))
