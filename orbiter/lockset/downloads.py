"""The lock file of a builder's downloads: the hash and size of the file at each address. Pure.

It is sorted by address, each key is on a line of its own, and the text ends with one newline.
"""

import json
from collections.abc import Iterable, Iterator, Mapping

import msgspec
import tomli

from orbiter.config.image_set import FileAddress, ImageSet, Platform, Sha256
from orbiter.lockset.model import LockSet, LockSetError
from resolvers.types.packages import FileSize

FILE = "downloads.lock"
FORMAT = 1
COMMENT = (
    "# Written by Orbiter: the files of downloads. To get another one, edit images.toml and lock."
)
RESTORE = "restore it from git, or run orbiter lock"


class LockedDownload(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file at an address. ``size`` is in bytes. ``platforms`` use it, sorted."""

    url: FileAddress
    platforms: tuple[Platform, ...]
    sha256: Sha256
    size: FileSize

    @property
    def digest(self) -> str:
        """The hash with its algorithm."""
        return f"sha256:{self.sha256}"


class _Lock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    format: int
    download: tuple[LockedDownload, ...]


def addresses(image_set: ImageSet, builder: str) -> dict[str, tuple[str, ...]]:
    """Return the platforms that use each address of a builder's downloads; both are sorted."""
    used: dict[str, set[str]] = {}
    for stage in image_set.stages:
        for download in (stage.downloads or ()) if stage.builder == builder else ():
            for platform, file in download.platforms.items():
                used.setdefault(file.url, set()).add(platform)
    return {url: tuple(sorted(platforms)) for url, platforms in sorted(used.items())}


def format_downloads(downloads: Iterable[LockedDownload]) -> dict[str, str]:
    """Return the lock file by name; empty if there are no downloads."""
    tables = [_table(each) for each in sorted(downloads, key=lambda each: each.url)]
    if not tables:
        return {}
    return {FILE: "\n".join((f"{COMMENT}\n\nformat = {FORMAT}\n", *tables))}


def _table(download: LockedDownload) -> str:
    # A JSON string, number or array of strings is valid TOML too.
    values = msgspec.structs.asdict(download).items()
    lines = ("[[download]]", *(f"{key} = {json.dumps(value)}" for key, value in values))
    return "".join(f"{line}\n" for line in lines)


def read_downloads(files: Mapping[str, str], builder: str) -> dict[str, LockedDownload]:
    """Return the locked downloads of a builder by address; ``files`` are those of a lock set.

    Raises LockSetError if the lock file is malformed.
    """
    path = f"{builder}/{FILE}"
    if path not in files:
        return {}
    try:
        lock = msgspec.convert(tomli.loads(files[path]), _Lock)
    # Absurd numbers and depths raise errors other than TOMLDecodeError.
    except (ValueError, RecursionError) as error:
        raise LockSetError(f"{path}: {error}", RESTORE) from None
    if lock.format != FORMAT:
        problem = f"{path}: format {lock.format} is not the supported format {FORMAT}"
        raise LockSetError(problem, "use a newer version of Orbiter")
    return {download.url: download for download in lock.download}


def all_downloads(
    files: Mapping[str, str], builders: Iterable[str]
) -> dict[str, dict[str, LockedDownload]]:
    """Return the locked downloads by builder and address."""
    return {builder: read_downloads(files, builder) for builder in builders}


def merged_downloads(ours: LockSet, theirs: LockSet, builder: str) -> dict[str, str]:
    """Return the lock file, by path, with the downloads of both sides; ours win."""
    sides = (read_downloads(side.files, builder) for side in (theirs, ours))
    merged = {url: download for side in sides for url, download in side.items()}
    texts = format_downloads(merged.values())
    return {f"{builder}/{name}": text for name, text in texts.items()}


def known_paths(image_set: ImageSet) -> set[str]:
    """Return the paths of the lock files of downloads that an image set needs."""
    return {f"{name}/{FILE}" for name in image_set.builders if addresses(image_set, name)}


def problems(lock_set: LockSet) -> Iterator[tuple[str, str]]:
    """Yield the path of each lock file that does not fit images.toml, with the problem."""
    for builder in lock_set.image_set.builders:
        path = f"{builder}/{FILE}"
        locked = read_downloads(lock_set.files, builder)
        expected = addresses(lock_set.image_set, builder)
        if {url: each.platforms for url, each in locked.items()} != expected:
            yield path, "it does not have exactly the addresses of downloads in images.toml"
        elif format_downloads(locked.values()).get(FILE) != lock_set.files.get(path):
            yield path, "it is not in the order and layout that Orbiter writes"
        elif wrong := _other_hash(lock_set.image_set, builder, locked):
            yield path, f"the sha256 of {wrong} is not the one in images.toml"


def _other_hash(image_set: ImageSet, builder: str, locked: Mapping[str, LockedDownload]) -> str:
    """Return the first address whose hash is not the one that images.toml gives, or ""."""
    for stage in image_set.stages:
        for download in (stage.downloads or ()) if stage.builder == builder else ():
            for file in download.platforms.values():
                if file.sha256 and file.sha256 != locked[file.url].sha256:
                    return file.url
    return ""
