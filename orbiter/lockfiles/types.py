"""What every reader of a lock file gives."""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

import msgspec


class Scope(NamedTuple):
    """Where packages go: an image, stage or environment, and a platform; "" for a format that knows none."""

    environment: str = ""
    platform: str = ""


class PackageFile(NamedTuple):
    """One file of a package as a lock names it: its file name, "" where that is not told, and ``algorithm:hex``."""

    name: str
    hashes: tuple[str, ...]


class PackageEntry(
    msgspec.Struct, frozen=True, kw_only=True, gc=False
):  # a lock has thousands, none of them in a circle
    """One package of a lock, the same for all places that hold it.

    ``name`` is normalised as its ecosystem does; ``version`` is the text of the lock. ``source`` is "" for where the
    manager looks by itself, else a channel, index, repository or path. ``size`` is in bytes of download, 0 where not
    known for certain. ``requires`` are names. ``direct`` says whether a person asked for it, None where the lock does
    not tell. ``groups`` are categories, dependency groups or extras.
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


class Lock(msgspec.Struct, frozen=True, kw_only=True):
    """One side of a comparison.

    ``name`` is what people called it, ``format`` what it is and in which version (``poetry.lock 2.1``). ``facts`` are
    other things that may differ, by kind and name (``{"base image": {"debian:13 linux/amd64": "sha256:…"}}``).
    ``notes`` are what a reader noticed and a person should know. ``release`` is that of a lock set, else "".
    """

    name: str
    format: str
    packages: Mapping[Scope, tuple[PackageEntry, ...]]
    facts: Mapping[str, Mapping[str, str]] = {}
    notes: tuple[str, ...] = ()
    release: str = ""


class Reader(Protocol):
    """What the module of a format offers; the modules themselves satisfy it."""

    def recognises(self, text: str) -> bool:
        """Whether a text claims to be of this format, whatever its version. Fast."""
        ...

    def read(self, name: str, text: str) -> Lock:
        """Read it. Raises ExpectedError, with the line where it is known, for what is broken or too new."""
        ...
