"""Packages and lock files: what resolvers return and read."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, NamedTuple

import msgspec

MAX_SIZE = 2**53
"""The largest size of a file, in bytes, that a lock may state."""
FileSize = Annotated[int, msgspec.Meta(ge=0, le=MAX_SIZE)]
"""The size of a file in bytes; a hostile one could be negative, or too large to be printed."""
LockFiles = Mapping[str, str]
"""The lock files of one manager for one builder: file names (without a folder) to contents."""


class Artifact(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """One file of a package, such as a wheel, a ``.deb`` or a tarball.

    ``hash`` is ``sha256:<hex>`` or ``sha512:<hex>``. ``size`` is in bytes, or 0 if the lock does
    not record it. ``source`` is the path of the file on a mirror, without the mirror's address:
    ``<project>/<file name>`` for pip, ``<package>/-/<file name>`` for npm, the path in the pool for
    apt. For pip, it starts with ``<index>:`` if images.toml names an index for the package, or is
    as ``resolvers.index.source`` describes if images.toml names the address of the file. For apk
    and apt, it starts with ``<repository>:`` if the package comes from a repository of images.toml.
    conda's locks contain addresses, so for conda it is the complete address.
    """

    file: str
    hash: str
    size: FileSize = 0
    source: str


class Package(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """One package of a lock in one version and build, with all of its files.

    ``platforms`` lists the platforms it is locked for (``linux/amd64``); empty means all of them.
    ``groups`` names the groups whose requirements lead to it. ``requires`` names the packages it
    depends on.
    """

    manager: str
    name: str
    version: str
    build: str = ""
    platforms: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    artifacts: tuple[Artifact, ...] = ()


class LockedRequirement(NamedTuple):
    """A requirement of a locked package, as its lock file states it.

    ``version`` is the version that meets it; "" means that the lock file does not choose between
    several. ``constraint`` is the allowed range; it is "" if the lock file does not record one.
    """

    name: str
    version: str = ""
    constraint: str = ""


LockedRequirements = Mapping[tuple[str, str], tuple[LockedRequirement, ...]]
"""The requirements of locked packages by name and version."""


class AvailableVersion(NamedTuple):
    """A version in an index, and the time of its release; None if the index does not state it."""

    version: str
    time: datetime | None = None


class Availability(msgspec.Struct, frozen=True, kw_only=True):
    """The versions of a package that its index has now.

    ``allowed`` is the newest one that the requirements allow and all targets can install, and
    ``newest`` the newest of all, without pre-releases if there are others. Either is None
    without such a version. ``problem`` is the reason why the index could not be read, or "".
    """

    allowed: AvailableVersion | None = None
    newest: AvailableVersion | None = None
    problem: str = ""


class Pin(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """A package as it is installed on one platform: one version and the one file to install."""

    name: str
    version: str
    artifact: Artifact


def sorted_union(values: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    """Return the members of all the values, sorted and without duplicates."""
    return tuple(sorted({member for value in values for member in value}))
