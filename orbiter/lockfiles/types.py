"""Types that every reader of a lock file returns."""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

import msgspec

from orbiter.lockset.model import LockSet


class Scope(NamedTuple):
    """An environment (an image, a stage) on one platform; "" if the format has no such name."""

    environment: str = ""
    platform: str = ""


class PackageFile(NamedTuple):
    """A file of a package: its name ("" if the lock omits it), and hashes as ``algorithm:hex``.

    ``origin`` is the folder of its URL without https, "" if unknown; see ``origins.folder_of``.
    """

    name: str
    hashes: tuple[str, ...]
    origin: str = ""


class Copy(NamedTuple):
    """An installed copy of a package, in a format that resolves requirements to copies.

    ``requires`` holds ids of copies. ``direct`` has the meaning of ``PackageEntry.direct``.
    """

    id: str
    requires: tuple[str, ...] = ()
    direct: bool | None = None


# A lock has thousands of entries and none is part of a reference cycle, hence gc=False.
class PackageEntry(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A package in a lock; all scopes that contain the package share one entry.

    ``name`` is normalised by the rules of the package's ecosystem.
    ``version`` is the text in the lock.
    ``source`` is a channel, index, repository or path; "" for the manager's default.
    ``size`` is the size of the download in bytes; 0 if unknown.
    ``requires`` holds names.
    ``direct`` is True if a user requested the package; None if the lock does not record that.
    ``groups`` are categories, dependency groups or extras.
    ``copies`` are the copies of this version, if the lock has a package in several places.
    """

    manager: str
    name: str
    version: str = ""
    build: str = ""
    source: str = ""
    files: tuple[PackageFile, ...] = ()
    size: int = 0
    licence: str = ""
    requires: tuple[str, ...] = ()
    direct: bool | None = None
    groups: tuple[str, ...] = ()
    copies: tuple[Copy, ...] = ()


class EntryFault(str):
    """A note on an entry whose name or version contradicts its file, as a faulty merge makes it."""

    __slots__ = ()


class Lock(msgspec.Struct, frozen=True, kw_only=True):
    """One side of a comparison.

    ``name`` is the name that the user passed.
    ``format`` is the format and its version: ``poetry.lock 2.1``.
    ``facts`` are other compared values, by kind and name:
    ``{"base image": {"debian:13 linux/amd64": "sha256:…"}}``.
    ``notes`` are a reader's remarks for the user.
    ``release`` is the release of a lock set, otherwise "", and ``lock_set`` the lock set itself.
    """

    name: str
    format: str
    packages: Mapping[Scope, tuple[PackageEntry, ...]]
    facts: Mapping[str, Mapping[str, str]] = {}
    notes: tuple[str, ...] = ()
    release: str = ""
    lock_set: LockSet | None = None


class FormatReader(Protocol):
    """The functions of a format's module; the modules themselves satisfy this protocol."""

    def recognises(self, text: str) -> bool:
        """Return whether a text claims to be of this format, in any version; must be fast."""
        ...

    def read(self, name: str, text: str) -> Lock:
        """Read a text of this format.

        Raises ExpectedError if it is broken or too new, with the line if that is known.
        """
        ...
