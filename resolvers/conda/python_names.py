"""Which Python distributions the packages of conda bring, for pip that installs on top of them.

conda's names differ from pip's (``matplotlib-base`` brings ``matplotlib``, ``pytorch`` brings ``torch``), and no index
of packages tells which distribution a package holds; the list of the package's own files (``info/paths.json``) does.
"""

import asyncio
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from packaging.utils import canonicalize_name

from resolvers.cache import folder
from resolvers.conda import lock_file
from resolvers.conda.channels import expanded
from resolvers.conda.client import configured
from resolvers.conda.lock_file import CondaEntry
from resolvers.conda.requirements import subdir
from resolvers.errors import ExpectedError
from resolvers.types import LockFiles, Target

if TYPE_CHECKING:
    from rattler import Client

METADATA = re.compile(
    r"(?:.*/)?site-packages/([^/]+?)(?:-([^/-]+)(?:-py[0-9.]+)?)?\.(?:dist|egg)-info(?:/.*)?"
)
"""A file of a distribution's metadata, or its folder: name and, mostly, version."""
AT_ONCE = 32
"""Packages that are asked for at the same time."""


class Distribution(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """A Python distribution, its name in PEP 503's form, and the conda package that brings it."""

    name: str
    version: str
    package: str


def distributions(
    files: LockFiles, target: Target, groups: tuple[str, ...]
) -> tuple[Distribution, ...]:
    """The distributions that conda's packages of the groups bring on the target, sorted by name.

    Asks the channels for a few kilobytes of each package that needs Python, once: the answers are kept in the cache.
    Raises ExpectedError for a package that cannot be read.
    """
    entries = lock_file.parse(files).of(subdir(target.platform))
    asked = {each.name: each for each in entries if each.category in groups and _needs_python(each)}
    found = asyncio.run(_all(asked.values()))
    return tuple(sorted(each for some in found for each in some))


def provided(paths: Iterable[str], entry: CondaEntry) -> tuple[Distribution, ...]:
    """The distributions whose metadata is among the paths of a package's files. Pure."""
    found = {
        match[1]: match[2] or entry.version for path in paths if (match := METADATA.fullmatch(path))
    }
    return tuple(
        Distribution(name=canonicalize_name(name), version=version, package=entry.name)
        for name, version in sorted(found.items())
    )


def _needs_python(entry: CondaEntry) -> bool:
    return not entry.dependencies.keys().isdisjoint({"python", "python_abi"})


async def _all(entries: Iterable[CondaEntry]) -> list[tuple[Distribution, ...]]:
    _, client = configured()
    turn = asyncio.Semaphore(AT_ONCE)
    return await asyncio.gather(*(_one(client, turn, entry) for entry in entries))


async def _one(
    client: "Client", turn: asyncio.Semaphore, entry: CondaEntry
) -> tuple[Distribution, ...]:
    kept = folder("conda-names") / f"{entry.hash.sha256}.json"
    if kept.exists():
        known: Mapping[str, str] = json.loads(kept.read_text(encoding="utf-8"))
        return tuple(Distribution(name=n, version=v, package=entry.name) for n, v in known.items())
    async with turn:
        found = provided(await _paths(client, entry), entry)
    _keep(kept, {each.name: each.version for each in found})
    return found


async def _paths(client: "Client", entry: CondaEntry) -> list[str]:
    from rattler import PathsJson

    try:
        listed = await PathsJson.from_remote_url(client, expanded(entry.url))
    except ExpectedError:
        raise
    except Exception as error:  # what rattler raises has no base class of its own
        words = str(error).partition("\n")[0]
        raise ExpectedError(
            f"the files of the conda package {entry.name} {entry.version} cannot be listed: {words}",
            f"can this machine get {entry.url}?",
        ) from error
    return [str(each.relative_path) for each in listed.paths] if listed else []


def _keep(path: Path, known: Mapping[str, str]) -> None:
    partial = path.with_suffix(f".{id(known)}.partial")
    partial.write_text(json.dumps(known), encoding="utf-8")
    partial.replace(path)
