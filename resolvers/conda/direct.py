"""conda packages at addresses in images.toml: fetched, hashed, and read for their dependencies."""

import asyncio
import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING

import msgspec

from resolvers import cache
from resolvers.conda import fetch
from resolvers.conda.address import PackageAddress
from resolvers.conda.lock_file import CondaLock
from resolvers.conda.requirements import NOARCH, CondaRequirement
from resolvers.errors import ExpectedError
from resolvers.scratch import scratch_folder, temporary_folder
from resolvers.types.request import LockWarning, Request

if TYPE_CHECKING:
    from rattler import RepoDataRecord

INDEX = "info/index.json"


class _Index(msgspec.Struct, frozen=True):
    name: str
    version: str
    build: str
    subdir: str


class DirectPackage(msgspec.Struct, frozen=True, kw_only=True):
    """A package at an address: its hashes, its size in bytes, and the content of its index.json."""

    address: PackageAddress
    md5: str
    sha256: str
    size: int
    index: bytes

    def record(self) -> "RepoDataRecord":
        """Return the package as a solver reads it from a channel."""
        from rattler import PackageRecord, RepoDataRecord

        with temporary_folder() as folder:
            (folder / "index.json").write_bytes(self.index)
            path = folder / "index.json"
            record = PackageRecord.from_index_json(path, self.size, self.sha256, self.md5)
        url = self.address.url
        return RepoDataRecord(record, url.rpartition("/")[2], url, url.rpartition("/")[0])

    def fits(self, subdir: str) -> bool:
        """Return whether conda installs the package on a platform."""
        return _decode_index(self).subdir in {subdir, NOARCH}


def direct_packages(
    request: Request, requirements: Iterable[CondaRequirement], previous: CondaLock | None
) -> tuple[DirectPackage, ...]:
    """Return the packages at the addresses in the requirements, each once.

    Raises HTTPError, and ExpectedError if a file is not the package that its name says, or not the
    one of the previous lock. An upgrade accepts another file.
    """
    packages: dict[str, DirectPackage] = {}
    for requirement in requirements:
        address = requirement.address
        if address is None:
            continue
        known = packages.get(address.name)
        if known is None:
            packages[address.name] = _package(request, address, previous)
        elif known.address.url != address.url:
            raise ExpectedError(
                f"conda: stage '{requirement.group}' has another address of {address.name} than "
                "an earlier stage",
                "write the same address in both",
            )
    return tuple(packages.values())


def _package(
    request: Request, address: PackageAddress, previous: CondaLock | None
) -> DirectPackage:
    locked = ""
    if not (request.upgrade.everything or address.name in request.upgrade.packages):
        locked = _locked_sha256(address, previous)
    request.progress(f"reading {address.url}")
    package = _read(address, address.sha256 or locked)
    _check_hash(address, package)
    if locked and package.sha256 != locked:
        raise _changed(address, f"sha256:{locked}", f"sha256:{package.sha256}")
    _check_index(package)
    if request.as_of:
        request.warn(_no_time(address))
    return package


def _locked_sha256(address: PackageAddress, previous: CondaLock | None) -> str:
    entries = previous.entries if previous else ()
    return next((entry.hash.sha256 for entry in entries if entry.url == address.url), "")


def _no_time(address: PackageAddress) -> LockWarning:
    return LockWarning(
        address.name,
        "comes from an address, which says nothing about other times: --as-of does not change it",
        "name the address of another build",
    )


def _read(address: PackageAddress, sha256: str) -> DirectPackage:
    """Return the package from the cache if it has this hash, otherwise from its address."""
    cached = cache.folder("conda-direct") / sha256
    if sha256 and cached.is_file():
        return msgspec.json.decode(cached.read_bytes(), type=DirectPackage)
    package = _download(address)
    cache.write(cache.folder("conda-direct") / package.sha256, msgspec.json.encode(package))
    return package


def _download(address: PackageAddress) -> DirectPackage:
    with scratch_folder(cache.folder("new"), "new-", cache.CACHE_HINT) as scratch:
        path = scratch / address.url.rpartition("/")[2]
        md5, sha256 = hashlib.md5(usedforsecurity=False), hashlib.sha256()
        with fetch.open_package(address.url) as stream, path.open("wb") as file:
            for chunk in stream.chunks:
                md5.update(chunk)
                sha256.update(chunk)
                file.write(chunk)
        return DirectPackage(
            address=address,
            md5=md5.hexdigest(),
            sha256=sha256.hexdigest(),
            size=path.stat().st_size,
            index=asyncio.run(_index(str(path), address)),
        )


async def _index(path: str, address: PackageAddress) -> bytes:
    from rattler.package_streaming import PackageArchive

    content = None
    try:
        content = await (await PackageArchive.from_path(path)).read_file(INDEX)
    except Exception as error:  # rattler's exceptions have no common base class
        reason = str(error).partition("\n")[0]
        raise ExpectedError(f"{address.url} is not a conda package: {reason}") from error
    if content is None:
        raise ExpectedError(f"{address.url} is not a conda package: it has no {INDEX}")
    return content


def _decode_index(package: DirectPackage) -> _Index:
    try:
        return msgspec.json.decode(package.index, type=_Index)
    except msgspec.DecodeError as error:
        raise ExpectedError(f"{package.address.url}: {INDEX} is malformed: {error}") from error


def _check_hash(address: PackageAddress, package: DirectPackage) -> None:
    """Raise ExpectedError if images.toml has another hash."""
    for algorithm in ("md5", "sha256"):
        expected, actual = getattr(address, algorithm), getattr(package, algorithm)
        if expected and expected != actual:
            raise ExpectedError(
                f"{address.url} is another file: expected {algorithm}:{expected}, "
                f"got {algorithm}:{actual}",
                "correct the hash in images.toml, or ask the author of the file why it changed",
            )


def _changed(address: PackageAddress, expected: str, actual: str) -> ExpectedError:
    return ExpectedError(
        f"{address.url} is another file now: expected {expected}, got {actual}",
        "ask its author why it changed, or lock the new file: "
        f"orbiter lock --upgrade-package {address.name}",
    )


def _check_index(package: DirectPackage) -> None:
    """Raise ExpectedError if the package is not the one that its file name says."""
    address, index = package.address, _decode_index(package)
    actual = f"{index.name}-{index.version}-{index.build}"
    expected = f"{address.name}-{address.version}-{address.build}"
    if actual != expected:
        raise ExpectedError(
            f"{address.url} is the package {actual}, not {expected}",
            "rename the file as its package",
        )


def check_platforms(packages: Iterable[DirectPackage], subdirs: Iterable[str]) -> None:
    """Raise ExpectedError if a package does not fit one of the platforms."""
    names = tuple(subdirs)
    for package in packages:
        for subdir in names:
            if not package.fits(subdir):
                raise ExpectedError(
                    f"conda: {package.address.url} is not for {subdir}",
                    "name a noarch package, or lock one platform only",
                )
