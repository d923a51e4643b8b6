"""What the sdists of a lock need to be built: build-requirements.txt, one wheel a line.

<name>==<version> ; platform_machine == '<machine>' --hash=sha256:<hex> # <file name>
"""

import hashlib
import re
import tarfile
import tempfile
import tomllib
import zipfile
from collections.abc import Iterable, Iterator
from typing import IO

import msgspec
from packaging.requirements import InvalidRequirement, Requirement

from resolvers.errors import ExpectedError
from resolvers.index import index
from resolvers.net import http
from resolvers.pip import uv, wheels
from resolvers.types import Artifact, Group, LockFiles, Package, Pin, Request, Target, Upgrade

FILE = "build-requirements.txt"
DEFAULT = ("setuptools>=40.8.0",)
"""What PEP 518 makes of an sdist that does not say."""
GROUP = "build"
LINE = re.compile(
    r"(?P<name>\S+)==(?P<version>\S+) ; platform_machine == '(?P<machine>\S+)' --hash=(?P<hash>\S+) # (?P<file>\S+)"
)


def lock(request: Request, sdists: Iterable[Pin]) -> str:
    """Solve what the sdists say they need; gives the text of the file, empty for no sdists.

    The versions of the request's previous file stay where they can. Raises UnsolvableError, HTTPError, and
    ExpectedError when an sdist is not what the lock says, or a requirement has no wheel.
    """
    asked = {requirement for sdist in sdists for requirement in build_system(sdist)}
    needed = sorted(requirement for requirement in asked if _is_for(requirement, request.targets))
    if not needed:
        return ""
    request.progress(f"resolving what builds sdists: {', '.join(needed)}")
    group = Group(name=GROUP, requirements=tuple(needed))
    builds = msgspec.structs.replace(request, groups=(group,), previous={}, upgrade=Upgrade())
    previous = [] if request.upgrade.everything else _lines(request.previous)
    packages = {
        Package(manager="pip", name=line["name"], version=line["version"]) for line in previous
    }
    files = uv.lock(builds, tuple(sorted(packages)))
    return "".join(sorted(line for target in request.targets for line in _written(files, target)))


def _is_for(requirement: str, targets: Iterable[Target]) -> bool:
    """Whether any of the targets needs it; uv would also weigh what another implementation of Python needs."""
    try:
        marker = str(Requirement(requirement).marker or "")
    except InvalidRequirement:
        return True  # uv says what is wrong with it
    return any(wheels.applies(marker, target) for target in targets)


def pins(files: LockFiles, target: Target) -> tuple[Pin, ...]:
    """The wheels that building needs on the target, sorted; () where nothing is built. Pure."""
    machine = wheels.machine(target)
    return tuple(
        Pin(
            name=line["name"],
            version=line["version"],
            artifact=Artifact(
                file=line["file"], hash=line["hash"], source=f"{line['name']}/{line['file']}"
            ),
        )
        for line in _lines(files)
        if line["machine"] == machine
    )


def _lines(files: LockFiles) -> list[dict[str, str]]:
    return [match.groupdict() for match in LINE.finditer(files.get(FILE, ""))]


def _written(files: LockFiles, target: Target) -> Iterator[str]:
    for package in uv.chosen(files, target, frozenset({GROUP})):
        wheel = wheels.best(package.artifacts, target)
        if wheel is None:
            raise ExpectedError(
                f"{package.name} {package.version}, needed to build an sdist, has no wheel for {target.platform}",
                "leave the package out of pip-sdist and ask for a version of it that has wheels",
            )
        machine = wheels.machine(target)
        where = f"platform_machine == '{machine}'"
        yield f"{package.name}=={package.version} ; {where} --hash={wheel.hash} # {wheel.file}\n"


def build_system(pin: Pin) -> tuple[str, ...]:
    """The build requirements in the pyproject.toml of an sdist on the index (PEP 518)."""
    with tempfile.TemporaryFile() as file:
        _fetch(pin, file)
        text = _project_file(pin.artifact.file, file)
    requires = tomllib.loads(text).get("build-system", {}).get("requires", DEFAULT)
    return tuple(str(requirement) for requirement in requires)


def _fetch(pin: Pin, file: IO[bytes]) -> None:
    offered = [
        each for each in index.configured().files(pin.name) if each.name == pin.artifact.file
    ]
    kind, _, expected = pin.artifact.hash.partition(":")
    for each in offered:
        digest = hashlib.new(kind)
        file.seek(0)
        file.truncate()
        with http.stream(each.url) as stream:
            for chunk in stream.chunks:
                digest.update(chunk)
                file.write(chunk)
        if digest.hexdigest() == expected:
            file.seek(0)
            return
    raise ExpectedError(
        f"the index has no {pin.artifact.file} with the hash of the lock ({pin.artifact.hash})",
        f"move {pin.name} to another version, or ask those who run the index why its file changed",
    )


def _project_file(name: str, file: IO[bytes]) -> str:
    """The text of the sdist's pyproject.toml, empty where it has none."""
    try:
        if name.endswith(".zip"):
            with zipfile.ZipFile(file) as archive:
                found = [each for each in archive.namelist() if _is_project_file(each)]
                return archive.read(found[0]).decode() if found else ""
        with tarfile.open(fileobj=file) as tar:
            return _from_tar(tar)
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, OSError) as error:
        raise ExpectedError(f"{name} is no sdist: {error}") from error


def _from_tar(tar: tarfile.TarFile) -> str:
    for member in tar:
        if _is_project_file(member.name) and (content := tar.extractfile(member)):
            return content.read().decode()
    return ""


def _is_project_file(path: str) -> bool:
    return path.removeprefix("./").split("/")[1:] == ["pyproject.toml"]
