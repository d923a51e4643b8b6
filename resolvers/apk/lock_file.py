"""The format of apk.lock; see resolvers.distro.lock_text for its order and its text."""

from collections.abc import Mapping
from functools import lru_cache

import msgspec

from resolvers.distro.lock_text import LockedGroup, format_lock, parse_lock
from resolvers.distro.repositories import URL, FilePath, RepositoryName, source_of
from resolvers.types.decoding import thread_safe_decoding
from resolvers.types.packages import FileSize, LockFiles

FILE = "apk.lock"
FORMAT = 1


class ApkPlatform(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The base image on one platform.

    ``apk`` is the version of the apk that resolved; ``musl`` and ``python`` are versions too.
    ``interpreter`` is the path of the Python, and ``world`` the lines of /etc/apk/world.
    """

    apk: str
    musl: str = ""
    python: str = ""
    interpreter: str = ""
    world: tuple[str, ...] = ()


class ApkPackage(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, order=True):
    """A package that the stages in ``groups`` add, the same on all its platforms.

    ``file`` is its path below the address of a mirror, such as
    ``v3.23/main/x86_64/curl-8.17.0-r1.apk``, or below that of the ``repository`` of images.toml
    that it comes from. A package from an address, the ``url``, has a name only. ``checksum`` is the
    checksum of the index: ``Q1`` and the base64 text of a SHA-1 over the control segment.
    ``sha256`` is the hash of the whole file.
    """

    name: str
    version: str
    architecture: str
    platforms: tuple[str, ...]
    groups: tuple[str, ...]
    file: FilePath
    size: FileSize
    checksum: str
    sha256: str
    origin: str = ""
    license: str = ""
    requires: tuple[str, ...] = ()
    repository: RepositoryName = ""
    url: str = ""

    @property
    def source(self) -> str:
        """The source of the file, as artifacts have it."""
        return f"{URL}{self.url}" if self.url else source_of(self.file, self.repository)


@thread_safe_decoding
class ApkLock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """apk.lock; packages are sorted by name, version and architecture."""

    format: int
    platforms: Mapping[str, ApkPlatform]
    groups: Mapping[str, LockedGroup]
    package: tuple[ApkPackage, ...] = ()


def write(lock: ApkLock) -> LockFiles:
    """Return the lock file of a lock."""
    return {FILE: format_lock(lock, "apk")}


def parse(files: LockFiles) -> ApkLock:
    """Return the lock of the lock files.

    Raises ExpectedError if it is malformed or has another format version.
    """
    return _parse_text(files[FILE])


@lru_cache(maxsize=4)
def _parse_text(text: str) -> ApkLock:
    return parse_lock(text, ApkLock, file=FILE, version=FORMAT)
