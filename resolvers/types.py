"""What goes into a resolver and what comes out; the same for every manager."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Protocol, TypeVar

import msgspec

S = TypeVar("S", bound=msgspec.Struct)


def ready(kind: type[S]) -> type[S]:
    """Decorates a type that threads decode into: msgspec looks at a type at its first use, which is not safe in two
    threads at once (it crashes), so this lets it look while the module is imported.
    """
    msgspec.json.Decoder(kind)
    return kind


NOTE = "note: "
"""How a progress line begins that a person must not miss."""

LockFiles = Mapping[str, str]
"""The lock files of one manager for one builder: file name (no folder) to text."""


class Artifact(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """One file of a package, for one platform.

    ``hash`` is ``sha256:<hex>`` or ``sha512:<hex>``. ``size`` is in bytes, 0 where the lock does not know it.
    ``source`` says where a mirror keeps the file, without any host: apt's pool path, pip's
    ``<project>/<file name>``, npm's ``<package>/-/<file name>``. Of conda, whose locks hold addresses, it is the whole
    address.
    """

    file: str
    hash: str
    size: int = 0
    source: str


class Package(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """One exact thing that a lock names: one entry per manager, name, version and build.

    ``platforms`` are those it is locked for (``linux/amd64``), empty for all; ``groups`` are the groups whose
    own requirements pull it in; ``requires`` are the names of the packages it needs.
    """

    manager: str
    name: str
    version: str
    build: str = ""
    platforms: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    artifacts: tuple[Artifact, ...] = ()


class Pin(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """A package as one group installs it on one platform: the version and the one file that is used."""

    name: str
    version: str
    artifact: Artifact


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """What decides which file of a package fits.

    ``platform`` is Docker's (``linux/amd64``); ``python`` is exact (``3.13.5``) or empty where there is none;
    ``glibc`` is ``2.41``, or empty; ``musl`` is ``1.2.5`` where that is the C library instead.
    """

    platform: str
    python: str = ""
    glibc: str = ""
    musl: str = ""

    @property
    def libc(self) -> str:
        """The C library and its version: ``musl 1.2.5``; empty where it is not known."""
        return f"glibc {self.glibc}" if self.glibc else self.musl and f"musl {self.musl}"


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """The requirements of one stage for one manager; ``parents`` are the groups it stands on, nearest first.

    ``sources`` names packages that may run code of their own at install time: for pip those that may be built
    from an sdist, for npm those whose install scripts run.
    """

    name: str
    requirements: tuple[str, ...] = ()
    parents: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()


class ProvidedDistribution(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """A Python distribution that conda's packages of a group bring on a platform.

    ``name`` is in PEP 503's form, ``version`` the distribution's own; ``package`` is conda's name.
    """

    group: str
    platform: str
    name: str
    version: str
    package: str


class Upgrade(msgspec.Struct, frozen=True, kw_only=True):
    """Which pins of the previous lock may move: all of them, or the named ones (name to version or ``""``)."""

    everything: bool = False
    packages: Mapping[str, str] = {}


class CondaOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What conda needs besides the requirements.

    ``channels`` are names or addresses, the first one goes first; ``priority`` is ``strict`` (a package comes from
    the first channel that has its name) or ``disabled``. ``virtual`` adds to the virtual packages of every platform,
    or replaces them: ``{"__cuda": "12.4"}``; a build follows a blank, and "" takes one away.
    """

    channels: tuple[str, ...] = ("conda-forge",)
    priority: str = "strict"
    virtual: Mapping[str, str] = {}


class Shell(Protocol):
    """Runs a POSIX shell script as root in a fresh container of the builder's base image.

    The container has the network, is of ``platform`` and is removed afterwards; ``cache`` is a folder of this
    machine that is mounted at ``/cache`` and kept. Gives standard output; raises ProgramError.
    """

    def __call__(self, script: str, *, platform: str, cache: str = "") -> str:
        """Run ``script`` and give what it printed."""
        ...


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """All that a resolver needs to solve for one builder.

    ``groups`` come parents first. ``targets`` has one entry a platform. ``previous`` are the lock files to
    start from, empty for none. ``as_of`` hides all that was published later (timezone-aware). ``engine`` is
    one of the manager's engines. ``shell`` is given to managers that solve inside the base image. ``suite`` is the
    Debian release whose packages the base is made of; apt then starts from no package at all. ``conda`` is for
    conda alone.
    ``provided`` is for pip: what conda's own packages of every group bring, also of groups that ask nothing of pip.
    ``parents`` has every stage's name with all stages below it, nearest first, be they groups or not.
    ``progress`` takes short lines for people; those that begin with NOTE stay visible.
    """

    groups: tuple[Group, ...]
    targets: tuple[Target, ...]
    engine: str = ""
    previous: LockFiles = {}
    upgrade: Upgrade = Upgrade()
    as_of: datetime | None = None
    shell: Shell | None = None
    suite: str = ""
    conda: CondaOptions = CondaOptions()
    provided: tuple[ProvidedDistribution, ...] = ()
    parents: Mapping[str, tuple[str, ...]] = {}
    progress: Callable[[str], None] = lambda _line: None


class Resolver(Protocol):
    """What every manager's module offers; the modules themselves satisfy it."""

    def resolve(self, request: Request) -> LockFiles:
        """Run the engine and give the lock files as text. Raises UnsolvableError and other ExpectedErrors."""
        ...

    def read(self, files: LockFiles) -> tuple[Package, ...]:
        """Read lock files. Pure."""
        ...

    def select(self, files: LockFiles, target: Target, groups: tuple[str, ...]) -> tuple[Pin, ...]:
        """What the groups together install on the target, sorted by name. Pure.

        Raises ExpectedError where a locked package has no file for the target.
        """
        ...


def union(values: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    """All that any of the values holds, sorted, each once."""
    return tuple(sorted({each for value in values for each in value}))
