"""Input and output types of a resolver, the same for every manager.

A resolver turns a ``Request`` into lock files (``LockFiles``), reads lock files into ``Package``
objects, and selects the ``Pin`` objects that a stage installs on a ``Target``.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, NamedTuple, Protocol, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

S = TypeVar("S", bound=msgspec.Struct)


def thread_safe_decoding(struct: type[S]) -> type[S]:
    """Let several threads decode into a type: decorate the type with this.

    msgspec inspects a type at its first use, and crashes if two threads do so at the same time.
    This decorator makes the inspection happen while the module is imported.
    """
    msgspec.json.Decoder(struct)
    return struct


MAX_SIZE = 2**53
"""The largest size of a file, in bytes, that a lock may state."""
FileSize = Annotated[int, msgspec.Meta(ge=0, le=MAX_SIZE)]
"""The size of a file in bytes; a hostile one could be negative, or too large to be printed."""

NOTE = "note: "
"""Prefix of progress lines that stay visible."""

WARNING = "warning: "
"""Prefix of progress lines that are also shown without progress."""

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


class Shell(Protocol):
    """Runs a POSIX shell script as root in a new container of the builder's base image.

    The container has network access and is removed afterwards.
    """

    def __call__(self, script: str, *, platform: str, cache: str = "") -> str:
        """Run a script and return its standard output.

        ``cache`` is a folder on this machine that is mounted at ``/cache``. Raises ProgramError if
        the script fails.
        """
        ...


class SystemRepository(msgspec.Struct, frozen=True, kw_only=True):
    """A package repository of images.toml, besides those of the base image.

    ``url`` has no slash at its end; it is empty for a suite on the mirrors of the base image.
    ``suite`` and ``components`` are those of apt. ``key`` is the public key that must sign the
    index. Otherwise the key with the ``fingerprint`` must sign it, which the base image trusts. For
    apk, ``tag`` marks the requirements for its packages, and ``key_name`` is the name that the
    signer gave the key.
    """

    name: str
    url: str = ""
    tag: str = ""
    suite: str = ""
    components: tuple[str, ...] = ()
    key: bytes = b""
    key_name: str = ""
    fingerprint: str = ""


class PackageFile(msgspec.Struct, frozen=True, kw_only=True):
    """A package that images.toml names by the address of its file.

    The ``group`` installs it on ``platform``. ``path`` is the file on this machine, and ``size``
    its size in bytes.
    """

    group: str
    platform: str
    url: str
    sha256: str
    size: int
    path: Path


class SystemOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Options of apk and apt, which resolve inside a container.

    ``suite`` is the Debian release (``trixie``) if apt builds the base itself from packages. apt
    then starts without any installed package. ``repositories`` are sorted by name.
    ``packages`` are those of apt that no index has.
    """

    shell: Shell | None = None
    suite: str = ""
    repositories: tuple[SystemRepository, ...] = ()
    packages: tuple[PackageFile, ...] = ()


class CondaOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Options of conda.

    ``channels`` are names or addresses, in order of preference. ``priority`` is ``strict`` (only
    the first channel that has a package is searched) or ``disabled``. ``virtual`` adds to the
    virtual packages of every platform, or replaces them: ``{"__cuda": "12.4"}``. A build string may
    follow the version after a blank; an empty string removes a virtual package.
    """

    channels: tuple[str, ...] = ("conda-forge",)
    priority: str = "strict"
    virtual: Mapping[str, str] = {}


class ProvidedDistribution(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """A Python distribution that a conda package provides, so that pip must not install it.

    conda's packages of ``group`` provide it on ``platform``. ``name`` is normalised (PEP 503) and
    ``version`` is the version of the distribution; ``package`` is the name of the conda package,
    which may differ: conda's ``pytorch`` provides the distribution ``torch``.
    """

    group: str
    platform: str
    name: str
    version: str
    package: str


class TreeFile(NamedTuple):
    """A file or a symbolic link of a source tree.

    ``path`` is relative to its top folder. ``link`` is the target of a link, "" for a file.
    """

    path: str
    content: bytes = b""
    is_executable: bool = False
    link: str = ""


class SourceFolder(msgspec.Struct, frozen=True, kw_only=True):
    """A folder with a Python project, which pip's resolver builds to a wheel.

    ``path`` is relative to images.toml. ``digest`` is the sha256 of all that ``read`` returns.
    """

    path: str
    digest: str
    read: Callable[[], tuple[TreeFile, ...]]


class DirectFile(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """The only file of a pip package that images.toml names by an address, not by an index.

    ``name`` is normalised (PEP 503). ``reference`` is the address in images.toml. ``source`` says
    where the file comes from: see ``resolvers.index.source``. ``size`` is in bytes. A wheel that is
    built of a folder has its bytes in ``content`` (base64) if it is small, and in ``build`` the
    locked requirements of its build.
    """

    # A lock set may come from anybody, and these values become paths.
    name: Annotated[str, msgspec.Meta(pattern=r"\A[a-z0-9]+(?:-[a-z0-9]+)*\Z")]
    version: Annotated[str, msgspec.Meta(pattern=r"\A[a-z0-9.!+]+\Z")]
    reference: str
    source: str
    file: Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9_][A-Za-z0-9_.!+-]*\Z")]
    hash: Annotated[str, msgspec.Meta(pattern=r"\Asha256:[0-9a-f]{64}\Z")]
    size: FileSize
    content: str = ""
    build: tuple[str, ...] = ()

    @property
    def artifact(self) -> Artifact:
        """The file as the artifact of its package."""
        return Artifact(file=self.file, hash=self.hash, size=self.size, source=self.source)


class PipOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Options of pip: what conda installs before it, its indexes, and rules for all groups.

    ``provided`` lists the distributions that conda provides in each group, including groups
    without pip requirements. ``parents`` maps every stage to the stages whose packages it inherits,
    nearest first, whether they have pip requirements or not.

    ``indexes`` maps names to the addresses of indexes. ``sources`` maps normalised names of
    packages to the names of the only indexes that they may come from. All other packages come from
    the indexes in pip's configuration: with the ``priority`` ``strict`` from the first one that has
    the package, with ``disabled`` from any. ``constraints`` limit versions without requiring a
    package. ``overrides`` replace the requirements of all packages for one package. ``direct`` are
    the packages with an address of their own: they come from there only. ``folders`` are those of
    the packages whose address is a path.
    """

    provided: tuple[ProvidedDistribution, ...] = ()
    parents: Mapping[str, tuple[str, ...]] = {}
    indexes: Mapping[str, str] = {}
    sources: Mapping[str, str] = {}
    priority: str = "strict"
    constraints: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()
    direct: tuple[DirectFile, ...] = ()
    folders: Mapping[str, SourceFolder] = {}


class NpmOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Options of npm.

    ``overrides`` are those of package.json: they map a package to what npm installs instead, or to
    the replacements of the packages that it requires. ``registries`` maps scopes (``@lab``) to the
    addresses of their registries, in addition to those in npm's configuration.
    """

    overrides: Mapping[str, str | Mapping[str, str]] = {}
    registries: Mapping[str, str] = {}


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


class Resolver(Protocol):
    """The interface of every manager; the module ``resolvers.<manager>.manager`` implements it."""

    def resolve(self, request: Request) -> LockFiles:
        """Run the engine and return the lock files; return ``{}`` if nothing is required.

        Raises UnsolvableError if no set of packages meets the requirements, and other
        ExpectedErrors.
        """
        ...

    def read(self, files: LockFiles) -> tuple[Package, ...]:
        """Return all packages of the lock files. Pure."""
        ...

    def select(self, files: LockFiles, target: Target, groups: tuple[str, ...]) -> tuple[Pin, ...]:
        """Return the packages that the groups together install on the target, sorted by name. Pure.

        Raises ExpectedError if a locked package has no file for the target.
        """
        ...


def sorted_union(values: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    """Return the members of all the values, sorted and without duplicates."""
    return tuple(sorted({member for value in values for member in value}))
