"""From the records of a solver to the entries of conda-lock.yml."""

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from msgspec.structs import replace

from resolvers.conda.channels import Channel, lockable_address
from resolvers.conda.lock_file import PACKAGE_ENDINGS, CondaEntry, FileHashes
from resolvers.conda.requirements import CondaRequirement
from resolvers.errors import ExpectedError

if TYPE_CHECKING:
    from rattler import RepoDataRecord

DEPENDENCY = re.compile(r"(?:[^\s\[]*::)?([A-Za-z0-9_.-]+) *([^\[]*)")
"""A line of ``depends``: the name and the rest, up to a bracket."""


def entry_of(record: "RepoDataRecord", subdir: str, channels: Iterable[Channel]) -> CondaEntry:
    """Return the lock entry of a record, without its category.

    Raises ExpectedError if the record has no hashes.
    """
    name, md5, sha256 = record.name.normalized, record.md5, record.sha256
    if not md5 or not sha256:
        missing = "sha256" if md5 else "md5"
        raise ExpectedError(
            f"the channel lists no {missing} for {record.file_name}, which {subdir} needs",
            f"request another version or build of {name}, or use a channel that lists the hash",
        )
    # The version from the file name, because rattler may format it in another way.
    version = PACKAGE_ENDINGS.sub("", record.file_name).rsplit("-", 2)[1]
    return CondaEntry(
        name=name,
        version=version,
        platform=subdir,
        dependencies=parse_dependencies(record.depends),
        url=lockable_address(record.url, channels),
        hash=FileHashes(md5=md5.hex(), sha256=sha256.hex()),
    )


def parse_dependencies(depends: Iterable[str]) -> dict[str, str]:
    """Return dependencies by name.

    If a name occurs several times, combine all its versions and keep the last build.
    """
    versions: dict[str, list[str]] = {}
    builds: dict[str, str] = {}
    for line in depends:
        match = DEPENDENCY.match(line)
        if match is None:
            continue
        name = match[1].lower()
        version, _, build = match[2].strip().partition(" ")
        known_versions = versions.setdefault(name, [])
        if version and version not in known_versions:
            known_versions.append(version)
        if build:
            builds[name] = build
    return {
        name: f"{','.join(known_versions)} {builds.get(name, '')}".strip()
        for name, known_versions in versions.items()
    }


def assign_categories(
    entries: Iterable[CondaEntry], requirements: Iterable[CondaRequirement]
) -> tuple[CondaEntry, ...]:
    """Return the entries of one platform, each once per group that needs it.

    The group is the category. Packages that no dependency explains belong to every group.
    """
    packages = {entry.name: entry for entry in entries}
    roots: dict[str, set[str]] = {}
    for requirement in requirements:
        roots.setdefault(requirement.group, set()).add(requirement.name)
    needed = {group: _needed(packages, names) for group, names in roots.items()}
    explained = frozenset[str]().union(*needed.values())
    unexplained = packages.keys() - explained
    return tuple(
        replace(packages[name], category=group)
        for group, names in needed.items()
        for name in sorted(names | unexplained)
    )


def _needed(packages: Mapping[str, CondaEntry], roots: Iterable[str]) -> set[str]:
    """Return the names of all packages that the roots need, directly or indirectly."""
    needed: set[str] = set()
    pending = [name for name in roots if name in packages]
    while pending:
        name = pending.pop()
        if name not in needed:
            needed.add(name)
            pending += [other for other in packages[name].dependencies if other in packages]
    return needed
