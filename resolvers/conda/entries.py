"""From what a solver found to the entries of conda-lock.yml: dependencies, hashes, addresses and categories."""

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from msgspec.structs import replace

from resolvers.conda.channels import Channel, without_values
from resolvers.conda.lock_file import ENDINGS, CondaEntry, Hash
from resolvers.conda.requirements import Wish
from resolvers.errors import ExpectedError

if TYPE_CHECKING:
    from rattler import RepoDataRecord

NEED = re.compile(r"(?:[^\s\[]*::)?([A-Za-z0-9_.-]+) *([^\[]*)")
"""A dependency: the name and, up to a bracket, the rest."""


def entry(record: "RepoDataRecord", subdir: str, channels: Iterable[Channel]) -> CondaEntry:
    """A package as it is locked for a platform, without category. Raises ExpectedError for one without hashes."""
    md5, sha256 = record.md5, record.sha256
    if not md5 or not sha256:
        missing = "sha256" if md5 else "md5"
        raise ExpectedError(
            f"the channel tells no {missing} of {record.file_name}, which is needed for {subdir}",
            f"ask for another version or build of {record.name.normalized}, or use a channel that tells it",
        )
    return CondaEntry(
        name=record.name.normalized,
        version=ENDINGS.sub("", record.file_name).rsplit("-", 2)[
            1
        ],  # rattler may write it in another way
        platform=subdir,
        dependencies=dependencies(record.depends),
        url=without_values(record.url, channels),
        hash=Hash(md5=md5.hex(), sha256=sha256.hex()),
    )


def dependencies(depends: Iterable[str]) -> dict[str, str]:
    """Dependencies by name; of several lines for one name all versions count, and the last build."""
    found: dict[str, tuple[list[str], str]] = {}
    for need in depends:
        match = NEED.match(need)
        if match is None:
            continue
        versions, build = found.get(match[1].lower(), ([], ""))
        version, _, own = match[2].strip().partition(" ")
        if version and version not in versions:
            versions = [*versions, version]
        found[match[1].lower()] = (versions, own or build)
    return {
        name: f"{','.join(versions)} {build}".strip() for name, (versions, build) in found.items()
    }


def categorised(entries: Iterable[CondaEntry], wishes: Iterable[Wish]) -> tuple[CondaEntry, ...]:
    """The packages of one platform, each once for every group whose requirements need it, which is its category."""
    packages = {each.name: each for each in entries}
    roots: dict[str, set[str]] = {}
    for wish in wishes:
        roots.setdefault(wish.group, set()).add(wish.name)
    reached = {group: _reach(packages, names) for group, names in roots.items()}
    known = frozenset[str]().union(*reached.values())
    unknown = packages.keys() - known  # needed in a way that names alone do not tell
    return tuple(
        replace(packages[name], category=group)
        for group, names in reached.items()
        for name in sorted(names | unknown)
    )


def _reach(packages: Mapping[str, CondaEntry], names: Iterable[str]) -> set[str]:
    reached: set[str] = set()
    waiting = [name for name in names if name in packages]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += [need for need in packages[name].dependencies if need in packages]
    return reached
