"""The files that conda packages install, from the packages' own lists, cached by hash."""

import asyncio
import json
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import msgspec

from resolvers import cache
from resolvers.conda.channels import expand_variables
from resolvers.conda.fetch import configured_client
from resolvers.errors import DiskError, ExpectedError
from resolvers.net.addresses import local_path
from resolvers.overwrites import SITE_PACKAGES, FileList
from resolvers.types.packages import Pin

if TYPE_CHECKING:
    from rattler import Client
    from rattler.package_streaming import PackageArchive

CONCURRENCY = 32
"""Packages whose file lists are fetched at the same time."""
OF_PYTHON = re.compile(r"lib/python3\.\d+/site-packages/")
PATHS = "info/paths.json"
LINK = "info/link.json"
NOARCH_SCRIPTS = "python-scripts/"
"""Folder of a package for every Python whose files are installed in ``bin``."""


def file_lists(pins: Iterable[Pin]) -> dict[Pin, FileList | ExpectedError]:
    """Return the files of each package, or the error if they cannot be read. Raises DiskError.

    Fetches a few kilobytes of each package, once.
    """
    wanted = list(pins)
    return dict(zip(wanted, asyncio.run(_read_all(wanted)), strict=True))


async def _read_all(pins: Iterable[Pin]) -> list[FileList | ExpectedError]:
    _, client = configured_client()
    limit = asyncio.Semaphore(CONCURRENCY)
    return await asyncio.gather(*(_files_or_error(client, limit, pin) for pin in pins))


async def _files_or_error(
    client: "Client", limit: asyncio.Semaphore, pin: Pin
) -> FileList | ExpectedError:
    try:
        return await _cached_files(client, limit, pin)
    except DiskError:
        raise  # it concerns all packages
    except ExpectedError as error:
        return error


async def _cached_files(client: "Client", limit: asyncio.Semaphore, pin: Pin) -> FileList:
    cached = cache.folder("conda-files") / pin.artifact.hash.partition(":")[2]
    if cached.exists():
        return msgspec.json.decode(cached.read_bytes(), type=dict[str, str])
    async with limit:
        files = await _read_files(client, pin)
    cache.write(cached, msgspec.json.encode(files))
    return files


async def _read_files(client: "Client", pin: Pin) -> dict[str, str]:
    address = expand_variables(pin.artifact.source)
    try:
        archive = await _open_archive(client, address)
        paths = await archive.read_file(PATHS)
        link = None
        if paths and b'"site-packages/' in paths:  # only packages for every Python have scripts
            link = await archive.read_file(LINK)
    except Exception as error:  # rattler's exceptions have no common base class
        reason = str(error).replace(address, pin.artifact.source).partition("\n")[0]
        raise ExpectedError(f"{pin.artifact.source}: {reason}") from error
    if paths is None:
        raise ExpectedError(f"{pin.artifact.source} has no {PATHS}")
    return files_of(json.loads(paths), json.loads(link or b"{}"))


async def _open_archive(client: "Client", address: str) -> "PackageArchive":
    from rattler.package_streaming import PackageArchive

    if address.startswith("file:"):
        return await PackageArchive.from_path(local_path(address))
    return await PackageArchive.from_url(client, address)


def files_of(paths: Any, link: Any) -> dict[str, str]:
    """Return the installed files with their hashes, and the scripts with what they call. Pure.

    ``paths`` is the content of ``info/paths.json``, ``link`` that of ``info/link.json``.
    """
    files: dict[str, str] = {}
    for entry in paths["paths"]:
        if entry.get("path_type") != "directory":
            content = entry.get("sha256") or entry.get("path_type", "")
            files[_installed_path(entry["_path"])] = content
    for script in link.get("noarch", {}).get("entry_points", ()):
        name, _, reference = script.partition("=")
        files[f"bin/{name.strip()}"] = f"script {reference.replace(' ', '')}"
    return files


def _installed_path(path: str) -> str:
    """Return the path in the environment; a package for every Python leaves out the version."""
    if path.startswith(NOARCH_SCRIPTS):
        return f"bin/{path.removeprefix(NOARCH_SCRIPTS)}"
    return OF_PYTHON.sub(f"{SITE_PACKAGES}/", path)
