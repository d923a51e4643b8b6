"""build-requirements.txt: the wheels that build the sdists of a lock, one per line.

<name>==<version> ; platform_machine == '<machine>' --hash=sha256:<hex> # <file name>
"""

import re
from collections.abc import Iterable, Iterator, Mapping

import msgspec
from packaging.requirements import InvalidRequirement, Requirement

from resolvers.errors import ExpectedError
from resolvers.index.source import source_of
from resolvers.pip import markers, pyproject, uv_lock, wheels
from resolvers.types.packages import Artifact, LockFiles, Package, Pin
from resolvers.types.request import Group, Request, Target, Upgrade

FILE = "build-requirements.txt"
GROUP = "build"
"""Name of the group that the build requirements are solved in."""
NOTHING = "# The sdists of this lock need no packages for their build.\n"
"""Content of the file if sdists are built, which stages without it would leave out."""
LINE = re.compile(
    r"(?P<name>[^\s=]+)==(?P<version>\S+) ; platform_machine == '(?P<machine>\S+)'"
    r" --hash=(?P<hash>\S+) # (?P<file>\S+)"
)


def lock(request: Request, sdist_pins: Iterable[Pin]) -> str:
    """Solve the build requirements of sdists; return the text of the file, or "" for none.

    Keeps the versions of the request's previous file if possible. Raises UnsolvableError,
    HTTPError, and ExpectedError if an sdist does not match the lock or a requirement has no wheel.
    """
    # Slow to import, and not needed for reading the file.
    from resolvers.pip import sdists

    declared: set[str] = set()
    sdist_pins = tuple(sdist_pins)
    for pin in sdist_pins:
        declared.update(sdists.build_requirements(pin, request.pip.indexes))
    previous = () if request.upgrade.everything else _previous_packages(request.previous)
    lines = solve(request, declared, previous)
    if sdist_pins and not lines:
        return NOTHING
    return "".join(lines)


def solve(
    request: Request, declared: Iterable[str], previous: tuple[Package, ...] = ()
) -> list[str]:
    """Solve build requirements for the targets of a request; return sorted lines of the file.

    Keeps the versions of ``previous`` if possible. Raises like ``lock``.
    """
    from resolvers.pip import uv  # slow to import, and not needed for reading the file

    needed = sorted(text for text in set(declared) if _is_needed(text, request.targets))
    if not needed:
        return []
    request.progress(f"resolving the build requirements: {', '.join(needed)}")
    group = Group(name=GROUP, requirements=tuple(needed))
    # The previous file has no lock of uv, so its versions are passed on as packages.
    # An override is about the packages of the image, so it does not apply here.
    build_request = msgspec.structs.replace(
        request,
        groups=(group,),
        previous={},
        upgrade=Upgrade(),
        pip=msgspec.structs.replace(request.pip, overrides=()),
    )
    files = uv.lock(build_request, previous)
    return sorted(line for target in request.targets for line in _render(files, target))


def _is_needed(requirement: str, targets: Iterable[Target]) -> bool:
    """Return whether a requirement applies to any of the targets.

    uv alone would also solve those for other implementations of Python.
    """
    try:
        marker = str(Requirement(requirement).marker or "")
    except InvalidRequirement:
        return True  # uv then reports the mistake
    return any(markers.applies(marker, target) for target in targets)


def packages_in(lines: Iterable[str]) -> tuple[Package, ...]:
    """Return the packages in lines of the file, sorted."""
    return _previous_packages({FILE: "".join(f"{line}\n" for line in lines)})


def _previous_packages(files: LockFiles) -> tuple[Package, ...]:
    packages = {
        Package(manager="pip", name=line["name"], version=line["version"]) for line in _parse(files)
    }
    return tuple(sorted(packages))


def _render(files: LockFiles, target: Target) -> Iterator[str]:
    machine = markers.machine(target.platform)
    for package in uv_lock.packages_for(files, target, frozenset({GROUP})):
        wheel = wheels.best_wheel(package.artifacts, target)
        if wheel is None:
            raise ExpectedError(
                f"{package.name} {package.version}, needed to build an sdist, "
                f"has no wheel for {target.platform}",
                "remove the package from pip-sdist, and require a version of it with wheels",
            )
        requirement = f"{package.name}=={package.version} ; platform_machine == '{machine}'"
        yield f"{requirement} --hash={wheel.hash} # {wheel.file}\n"


def pins(files: LockFiles, target: Target) -> tuple[Pin, ...]:
    """Return the wheels that building needs on the target, sorted; () if nothing is built. Pure."""
    machine = markers.machine(target.platform)
    indexes = pyproject.index_names(files) if files.get(FILE) else {}
    return tuple(_pin(line, indexes) for line in _parse(files) if line["machine"] == machine)


def _pin(line: dict[str, str], indexes: Mapping[str, str]) -> Pin:
    name, file = line["name"], line["file"]
    source = source_of(name, file, indexes.get(name, ""))
    artifact = Artifact(file=file, hash=line["hash"], source=source)
    return Pin(name=name, version=line["version"], artifact=artifact)


def _parse(files: LockFiles) -> list[dict[str, str]]:
    return [match.groupdict() for match in LINE.finditer(files.get(FILE, ""))]
