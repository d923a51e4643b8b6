"""Requests: everything that a resolver needs to lock one builder."""

from collections.abc import Callable, Mapping
from datetime import datetime

import msgspec
from msgspec import UNSET, UnsetType

from resolvers.types.options import CondaOptions, NpmOptions, PipOptions, SystemOptions
from resolvers.types.packages import LockFiles

NOTE = "note: "
"""Prefix of progress lines that stay visible."""
WARNING = "warning: "
"""Prefix of progress lines that are also shown without progress."""


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """The properties of an image that decide which file of a package it can install.

    ``platform`` is Docker's name (``linux/amd64``). ``python`` is the exact version (``3.13.5``).
    ``glibc`` (``2.41``) and ``musl`` (``1.2.5``) are versions of the C library; an image has one of
    the two. A version is empty if the image does not have it, or if it is not known yet.
    """

    platform: str
    python: str = ""
    glibc: str = ""
    musl: str = ""

    @property
    def libc(self) -> str:
        """The C library and its version, such as ``musl 1.2.5``; empty if unknown."""
        if self.glibc:
            return f"glibc {self.glibc}"
        return self.musl and f"musl {self.musl}"


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """The requirements of one stage for one manager.

    ``parents`` names the groups whose packages are already installed when the stage installs its
    own, nearest first. ``sources`` names the packages that may run their own code when they are
    installed: for pip the packages that may be built from an sdist, for npm the packages whose
    install scripts run. ``recommends`` says whether apt also installs the packages that those of
    the group recommend; it is unset if not.
    """

    # Lock sets record a digest over the JSON of a builder's groups (orbiter.lockset.inputs).
    # Renaming or adding a field makes every existing lock set appear stale, unless it is unset.
    name: str
    requirements: tuple[str, ...] = ()
    parents: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    recommends: bool | UnsetType = UNSET


class Upgrade(msgspec.Struct, frozen=True, kw_only=True):
    """The pins of the previous lock that may change; by default none of them.

    ``packages`` maps the names of packages to upgrade to the version to install, or to ``""`` for
    any version. ``everything`` ignores all previous pins.
    """

    everything: bool = False
    packages: Mapping[str, str] = {}


VersionLimits = Mapping[str, tuple[tuple[int, ...], ...]]
"""The release numbers that the versions of a package must begin with, one of several, by name."""
NO_LIMITS: VersionLimits = {}


class LockWarning(msgspec.Struct, frozen=True):
    """Advice about a lock that is valid, such as a yanked release.

    ``package`` is empty if the warning concerns no single package. ``text`` does not repeat it.
    """

    package: str
    text: str
    hint: str = ""


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a resolver needs to lock one builder.

    ``groups`` are in order: parents before children. ``targets`` has one entry per platform.
    ``previous`` holds the lock files to start from, or nothing. ``as_of`` (with a time zone) hides
    everything published later. ``engine`` is the name of one of the manager's engines, or empty for
    its default. ``progress`` receives short lines for the user; lines with the prefix NOTE stay
    visible. ``warn`` receives warnings, which the lock set keeps; several threads may call it.
    ``warnings`` are those about the previous lock files. ``limits`` are the only versions that pip
    and rattler may choose; the other engines do not know them. The remaining fields are options
    that only the named managers read.
    """

    groups: tuple[Group, ...]
    targets: tuple[Target, ...]
    previous: LockFiles = {}
    upgrade: Upgrade = Upgrade()
    limits: VersionLimits = {}
    as_of: datetime | None = None
    engine: str = ""
    progress: Callable[[str], None] = lambda _line: None
    warn: Callable[[LockWarning], None] = lambda _warning: None
    warnings: tuple[LockWarning, ...] = ()
    system: SystemOptions = SystemOptions()
    conda: CondaOptions = CondaOptions()
    pip: PipOptions = PipOptions()
    npm: NpmOptions = NpmOptions()
