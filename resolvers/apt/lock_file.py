"""The format of apt.lock; see resolvers.distro.lock_text for its order and its text."""

from collections.abc import Mapping
from functools import lru_cache

import msgspec

from resolvers.distro.lock_text import LockedGroup, format_lock, parse_lock
from resolvers.distro.repositories import URL, FilePath, RepositoryName, source_of
from resolvers.types import LockFiles, thread_safe_decoding

FILE = "apt.lock"
FORMAT = 1


class AptPlatform(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The base on one platform.

    ``apt`` is the version of the apt that resolved; ``glibc`` and ``python`` are versions too.
    ``interpreter`` is the path of the base image's Python. For a base built from packages,
    ``suite`` is the release of Debian, and ``signers`` are the fingerprints of the keys that signed
    its index.
    """

    apt: str
    glibc: str = ""
    python: str = ""
    interpreter: str = ""
    suite: str = ""
    signers: tuple[str, ...] = ()


class AptPackage(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, order=True):
    """A package that the stages in ``groups`` add, the same on all its platforms.

    ``file`` is its path below the address of a mirror, such as
    ``pool/main/c/curl/curl_8.14.1-2_amd64.deb``, or below that of the ``repository`` of images.toml
    that it comes from. A package from an address, the ``url``, has a name only.
    """

    name: str
    version: str
    architecture: str
    platforms: tuple[str, ...]
    groups: tuple[str, ...]
    file: FilePath
    size: int
    sha256: str
    requires: tuple[str, ...] = ()
    repository: RepositoryName = ""
    url: str = ""

    @property
    def source(self) -> str:
        """The source of the file, as artifacts have it."""
        return f"{URL}{self.url}" if self.url else source_of(self.file, self.repository)


@thread_safe_decoding
class AptLock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """apt.lock; packages are sorted by name, version and architecture."""

    format: int
    platforms: Mapping[str, AptPlatform]
    groups: Mapping[str, LockedGroup]
    package: tuple[AptPackage, ...] = ()


def write(lock: AptLock) -> LockFiles:
    """Return the lock file of a lock."""
    return {FILE: format_lock(lock, "apt")}


def parse(files: LockFiles) -> AptLock:
    """Return the lock of the lock files.

    Raises ExpectedError if it is malformed or has another format version.
    """
    return _parse_text(files[FILE])


@lru_cache(maxsize=4)
def _parse_text(text: str) -> AptLock:
    return parse_lock(text, AptLock, file=FILE, version=FORMAT)
