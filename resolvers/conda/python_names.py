"""The Python distributions that conda packages provide, for pip, which installs on top of them.

conda's names differ from pip's: ``matplotlib-base`` provides ``matplotlib``, ``pytorch`` provides
``torch``. The channels' indexes do not list distributions. The list of a package's files
(``info/paths.json``) does.
"""

import asyncio
import json
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import msgspec
from packaging.utils import canonicalize_name

from resolvers import cache
from resolvers.conda.channels import expand_variables
from resolvers.conda.fetch import configured_client
from resolvers.conda.lock_file import CondaEntry, parse_lock
from resolvers.conda.requirements import subdir
from resolvers.errors import ExpectedError
from resolvers.types.packages import LockFiles
from resolvers.types.request import Target

if TYPE_CHECKING:
    from rattler import Client

METADATA_PATH = re.compile(
    r"(?:.*/)?site-packages/([^/]+?)(?:-([^/-]+)(?:-py[0-9.]+)?)?\.(?:dist|egg)-info(?:/.*)?"
)
"""A file of a distribution's metadata, or its folder: the name and usually the version."""
CONCURRENCY = 32
"""Packages whose file lists are fetched at the same time."""


class CondaDistribution(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """A Python distribution, with its normalised name (PEP 503) and the conda package it is in."""

    name: str
    version: str
    package: str


def provided_distributions(
    files: LockFiles, target: Target, groups: tuple[str, ...]
) -> tuple[CondaDistribution, ...]:
    """Return the distributions in the groups' conda packages on the target, sorted by name.

    Fetches a few kilobytes of each package that needs Python, once: the results are cached.
    Raises ExpectedError for a package that cannot be read.
    """
    entries = parse_lock(files).entries_for(subdir(target.platform))
    packages = {
        entry.name: entry for entry in entries if entry.category in groups and _needs_python(entry)
    }
    results = asyncio.run(_read_all(packages.values()))
    return tuple(sorted(distribution for result in results for distribution in result))


def distributions_in(paths: Iterable[str], entry: CondaEntry) -> tuple[CondaDistribution, ...]:
    """Return the distributions whose metadata is among the paths of a package's files. Pure."""
    versions = {
        match[1]: match[2] or entry.version
        for path in paths
        if (match := METADATA_PATH.fullmatch(path))
    }
    return tuple(
        CondaDistribution(name=canonicalize_name(name), version=version, package=entry.name)
        for name, version in sorted(versions.items())
    )


def _needs_python(entry: CondaEntry) -> bool:
    return not entry.dependencies.keys().isdisjoint({"python", "python_abi"})


async def _read_all(entries: Iterable[CondaEntry]) -> list[tuple[CondaDistribution, ...]]:
    _, client = configured_client()
    limit = asyncio.Semaphore(CONCURRENCY)
    return await asyncio.gather(*(_read(client, limit, entry) for entry in entries))


async def _read(
    client: "Client", limit: asyncio.Semaphore, entry: CondaEntry
) -> tuple[CondaDistribution, ...]:
    """Return the distributions of a package, from the cache if possible."""
    cached = cache.folder("conda-names") / f"{entry.hash.sha256}.json"
    if cached.exists():
        versions: Mapping[str, str] = json.loads(cached.read_text(encoding="utf-8"))
        return tuple(
            CondaDistribution(name=name, version=version, package=entry.name)
            for name, version in versions.items()
        )
    async with limit:
        distributions = distributions_in(await _list_files(client, entry), entry)
    names = {item.name: item.version for item in distributions}
    cache.write(cached, json.dumps(names).encode())
    return distributions


async def _list_files(client: "Client", entry: CondaEntry) -> list[str]:
    from rattler import PathsJson

    try:
        listing = await PathsJson.from_remote_url(client, expand_variables(entry.url))
    except ExpectedError:
        raise
    except Exception as error:  # rattler's exceptions have no common base class
        reason = str(error).partition("\n")[0]
        package = f"{entry.name} {entry.version}"
        raise ExpectedError(
            f"the files of the conda package {package} cannot be listed: {reason}",
            f"check that this machine can reach {entry.url}",
        ) from error
    return [str(item.relative_path) for item in listing.paths] if listing else []
