"""The lock format of pip-tools: a hashed requirements.txt per stage and platform. Pure.

pip-compile resolves for one environment, so each platform has files of its own. They have hashes
but no names of files, so ``requirements.sha256`` lists the files, in the format of sha256sum.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

from packaging.utils import canonicalize_name
from packaging.version import Version

from resolvers.errors import ExpectedError
from resolvers.index.index_file import project_of, version_of
from resolvers.pip import requirement_files, requirements_txt
from resolvers.pip.requirement_files import INPUT, OUTPUT, output_file
from resolvers.pip.requirements_txt import HINT, Line
from resolvers.types.packages import Artifact, LockFiles, Package, sorted_union
from resolvers.types.request import Target

FILE = requirement_files.FILES
LISTED = re.compile(r"(?P<digest>[0-9a-f]{64})  (?P<file>[^/\s\\]+)\n")


def format_list(hashes: Mapping[str, str]) -> str:
    """Return the text of the list of files; ``hashes`` maps names to ``sha256:<hex>``."""
    return "".join(
        f"{value.removeprefix('sha256:')}  {file}\n" for file, value in sorted(hashes.items())
    )


def read(files: LockFiles) -> tuple[Package, ...]:
    """Return all packages of the lock, sorted."""
    outputs = {name: found for name in files if (found := OUTPUT.fullmatch(name))}
    platforms = {found["platform"] for found in outputs.values()}
    found_packages: dict[tuple[str, str], list[Package]] = {}
    for name, found in outputs.items():
        platform = found["platform"].replace("-", "/")
        for package in _packages(files, name, (found["stage"],), (platform,)):
            found_packages.setdefault((package.name, package.version), []).append(package)
    merged = (_merged(packages, len(platforms)) for packages in found_packages.values())
    return tuple(sorted(merged))


def packages_for(files: LockFiles, target: Target, groups: frozenset[str]) -> tuple[Package, ...]:
    """Return the packages that the groups (normalised names) need on the target.

    Raises ExpectedError if the stages have different versions of a package.
    """
    by_name: dict[str, Package] = {}
    for stage in _stages(files):
        if canonicalize_name(stage) not in groups:
            continue
        name = output_file(stage, target.platform)
        for package in _packages(files, name):
            known = by_name.setdefault(package.name, package)
            if known.version != package.version:
                raise ExpectedError(
                    f"{name} has {package.name} {package.version}, but another stage has "
                    f"{known.version}",
                    HINT,
                )
    return tuple(by_name.values())


def missing_files(files: LockFiles, platforms: Iterable[str]) -> tuple[str, ...]:
    """Return the names of the files that a lock of this format lacks for the platforms."""
    each_platform = tuple(platforms)
    names = (output_file(stage, platform) for stage in _stages(files) for platform in each_platform)
    return tuple(name for name in names if name not in files)


def _stages(files: LockFiles) -> Iterator[str]:
    """Yield the stages that have requirements."""
    for name in sorted(files):
        if found := INPUT.fullmatch(name):
            yield found["stage"]


def _merged(packages: list[Package], platform_count: int) -> Package:
    """Return one package for those of several files."""
    platforms = sorted_union(package.platforms for package in packages)
    return Package(
        manager="pip",
        name=packages[0].name,
        version=packages[0].version,
        platforms=platforms if len(platforms) < platform_count else (),
        groups=sorted_union(package.groups for package in packages),
        requires=sorted_union(package.requires for package in packages),
        artifacts=tuple(sorted({file for package in packages for file in package.artifacts})),
    )


def _packages(
    files: LockFiles,
    name: str,
    groups: tuple[str, ...] = (),
    platforms: tuple[str, ...] = (),
) -> Iterator[Package]:
    """Yield the packages of one file, which have these groups and platforms."""
    if name not in files:
        raise ExpectedError(f"{name} is missing", HINT)
    lines = requirements_txt.parse(name, files[name])
    listed = _listed_files(files.get(FILE, ""))
    requires: dict[str, list[str]] = {}
    for line in lines:
        for parent in line.required_by:
            requires.setdefault(parent, []).append(line.name)
    for line in lines:
        yield Package(
            manager="pip",
            name=line.name,
            version=line.version,
            platforms=platforms,
            groups=groups,
            requires=tuple(sorted(requires.get(line.name, ()))),
            artifacts=tuple(_artifacts(name, line, listed)),
        )


class _ListedFile(NamedTuple):
    """A line of the list of files; the project is "" for an unusual name."""

    file: str
    project: str
    version: Version | None


@lru_cache(maxsize=4)  # the same list is read for many stages, platforms and checks
def _listed_files(text: str) -> Mapping[str, list[_ListedFile]]:
    """Map the hashes in the list of files to the files."""
    listed: dict[str, list[_ListedFile]] = {}
    for line in text.splitlines(keepends=True):
        found = LISTED.fullmatch(line)
        if not found:
            raise ExpectedError(f"{FILE}: '{line[:80].strip()}' is not a hash and a file", HINT)
        file = found["file"]
        listed.setdefault(f"sha256:{found['digest']}", []).append(
            _ListedFile(file, project_of(file), version_of(file))
        )
    return listed


def _artifacts(
    name: str, line: Line, listed: Mapping[str, list[_ListedFile]]
) -> Iterator[Artifact]:
    """Yield the files of a requirement; raise ExpectedError for a hash without its own file."""
    version = Version(line.version)
    for value in line.hashes:
        own = [
            each.file
            for each in listed.get(value, ())
            if not each.project or (each.project, each.version) == (line.name, version)
        ]
        if not own:
            raise ExpectedError(
                f"{FILE} has no file of {line.name} {line.version} for the hash {value} in {name}",
                HINT,
            )
        for file in own:
            yield Artifact(file=file, hash=value, source=f"{line.name}/{file}")
