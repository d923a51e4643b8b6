"""Options of a request that only some managers read."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, NamedTuple, Protocol

import msgspec

from resolvers.types.packages import Artifact, FileSize


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


class SystemPackageFile(msgspec.Struct, frozen=True, kw_only=True):
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
    packages: tuple[SystemPackageFile, ...] = ()


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
