"""The format of apt.lock; see resolvers.distro.lock_text for its order and its text."""

from collections.abc import Mapping
from functools import lru_cache

import msgspec

from resolvers.apt.source_field import SourcePackage
from resolvers.distro.lock_text import LockedGroup, format_lock, parse_lock
from resolvers.distro.repositories import URL, FilePath, RepositoryName, source_of
from resolvers.types.decoding import thread_safe_decoding
from resolvers.types.packages import FileSize, LockFiles

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


class AptPackage(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    order=True,
    rename="kebab",
):
    """A package that the stages in ``groups`` add, the same on all its platforms.

    ``file`` is its path below the address of a mirror, such as
    ``pool/main/c/curl/curl_8.14.1-2_amd64.deb``, or below that of the ``repository`` of images.toml
    that it comes from. A package from an address, the ``url``, has a name only. The name and the
    version of its source package are ``source_package`` and ``source_version``, "" if they are
    those of the package; see ``recorded_sources``.
    """

    name: str
    version: str
    architecture: str
    platforms: tuple[str, ...]
    groups: tuple[str, ...]
    file: FilePath
    size: FileSize
    sha256: str
    requires: tuple[str, ...] = ()
    repository: RepositoryName = ""
    url: str = ""
    source_package: str = ""
    source_version: str = ""

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


def recorded_sources(lock: AptLock) -> dict[str, SourcePackage]:
    """Return the source packages by the sha256 of the packages; empty if the lock has none.

    Locks that older versions of Orbiter wrote have none. All others have some, because a base has
    packages such as libc6, whose source has another name.
    """
    if not any(each.source_package or each.source_version for each in lock.package):
        return {}
    return {
        each.sha256: SourcePackage(
            each.source_package or each.name, each.source_version or each.version
        )
        for each in lock.package
    }


@lru_cache(maxsize=4)
def _parse_text(text: str) -> AptLock:
    return parse_lock(text, AptLock, file=FILE, version=FORMAT)
