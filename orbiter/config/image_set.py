"""The image set that images.toml describes, as frozen types: sets expanded, names resolved."""

from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from orbiter.config.layer_keys import Compression, TrimRule
from orbiter.config.name_keys import NAME
from orbiter.config.repository_keys import COMPONENT, KEY_NAME, SUITE
from orbiter.config.runtime import Runtime

Kind = Literal["final", "build", "base"]

BASE_REQUIREMENTS = ("?essential", "?priority(required)", "apt")
"""The requirements of a base made of Debian packages, as apt patterns: see apt-patterns(7)."""

# A lock set may come from anybody, so what becomes a path or a part of a Dockerfile is checked
# when a snapshot is read. Unlike $, \Z does not match before a newline at the end.
StageName = Annotated[str, Meta(pattern=r"\A[a-z0-9][a-z0-9.-]*\Z")]
LoginName = Annotated[str, Meta(pattern=r"\A[a-z_][a-z0-9_-]*\Z")]
Reference = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9._:/-]*\Z")]
Platform = Annotated[str, Meta(pattern=r"\A[a-z0-9]+(/[a-z0-9]+){1,2}\Z")]
IndexAddress = Annotated[str, Meta(pattern=r"\Ahttps?://[A-Za-z0-9._~:/+%\[\]-]*\Z")]
NpmScope = Annotated[str, Meta(pattern=r"\A@[a-z0-9~][a-z0-9._~-]*\Z")]
RepositoryName = Annotated[str, Meta(pattern=rf"\A{NAME}\Z")]
Version = Annotated[str, Meta(pattern=r"\A[0-9A-Za-z.-]+\Z")]
TargetPath = Annotated[
    str, Meta(pattern=r"\A(?:/(?!\.\.?(?:/|\Z))[^/\x00-\x1f\x7f-\x9f]+)+(?<! )\Z")
]
FileMode = Annotated[str, Meta(pattern=r"\A0[0-7]{3}\Z")]
Sha256 = Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]
OneLine = Annotated[str, Meta(pattern=r"\A[^\x00-\x1f\x7f-\x9f]+\Z")]
FileAddress = Annotated[
    str,
    Meta(
        pattern=r"\Ahttps?://[A-Za-z0-9.:\[\]-]+/[A-Za-z0-9._~:/+%@,=&?-]*\Z",
        max_length=2000,
    ),
]


class NotebookUser(msgspec.Struct, frozen=True, kw_only=True):
    """The notebook user inside the images."""

    name: LoginName = "jovyan"
    uid: int = 1000
    gid: int = 100


class CondaSettings(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The conda settings of a builder.

    ``virtual`` maps virtual packages, without their underscores, to versions (``cuda``: ``12.4``).
    ``engine`` is ``rattler`` or ``conda-lock``. ``installer`` is ``micromamba`` or ``rattler``;
    ``keep_installer`` leaves micromamba in the images. Packages in ``overwrites`` may replace files
    of other packages, later ones those of earlier ones.
    """

    channels: tuple[str, ...] = ("conda-forge",)
    priority: str = "strict"
    virtual: Mapping[str, str] = {}
    engine: str = "rattler"
    installer: str = "micromamba"
    keep_installer: bool = False
    overwrites: tuple[str, ...] = ()


class PipSettings(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The pip settings of a builder.

    With the ``index_priority`` ``strict``, a package comes from the first index in pip's
    configuration that has it; with ``disabled`` from any. ``constraints`` limit the versions of
    packages. ``overrides`` replace the requirements of all packages for one package.
    """

    index_priority: str = "strict"
    constraints: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()


class NpmSettings(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The npm settings of a builder.

    ``overrides`` map a package (``glob`` or ``glob@^7``) to what npm installs instead, or to the
    replacements of the packages that it requires.
    """

    overrides: Mapping[str, str | Mapping[str, str]] = {}


class Builder(msgspec.Struct, frozen=True, kw_only=True):
    """The defaults of a family of images.

    ``base`` is the base image as written (``debian:trixie-slim``). It is empty if the base is made
    of Debian packages; ``suite`` then names their release (``trixie``). ``python`` is the Python
    version that conda, or else apk or apt, must install (``3.13`` or ``3.13.5``), empty for any.
    ``pip_engine`` is ``poetry``, ``uv`` or ``pip-tools``. ``pip_overwrites`` are packages whose
    files may replace those of other packages, later ones those of earlier ones; it is unset if
    there are none. ``apt_repositories`` are names of ``ImageSet.apt_repositories``; unset for none.
    ``pip`` and ``npm`` are unset if all their settings are the defaults. Lock sets from before
    these keys stay as they are. ``conda`` is unset for builders without conda packages.
    """

    name: StageName
    base: Reference = ""
    suite: str = ""
    python: str = ""
    pip_engine: str = "poetry"
    pip_overwrites: tuple[str, ...] | UnsetType = UNSET
    apt_repositories: tuple[RepositoryName, ...] | UnsetType = UNSET
    pip: PipSettings | UnsetType = UNSET
    npm: NpmSettings | UnsetType = UNSET
    conda: CondaSettings | UnsetType = UNSET


class RepositoryFile(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A file of the repository; ``source`` is its path relative to images.toml."""

    source: OneLine
    sha256: Sha256
    size: Annotated[int, Meta(ge=0)]


class OwnFile(RepositoryFile, frozen=True, kw_only=True, omit_defaults=True):
    """A file of the repository that a stage puts into its image.

    ``target`` is absolute, and ``mode`` has four octal digits. The content is part of the lock set,
    or only in the store and the archive if ``stored``.
    """

    target: TargetPath
    mode: FileMode
    stored: bool = False


class Script(RepositoryFile, frozen=True, kw_only=True, omit_defaults=True):
    """A script of the repository that runs like a command. Its content is part of the lock set.

    ``interpreter`` holds the words before the script's path.
    """

    interpreter: Annotated[tuple[OneLine, ...], Meta(min_length=1)]


Command = str | Script


class PackageRepository(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A package repository besides those of a base image.

    ``url`` has no slash at its end. It is empty for a suite on the mirrors of the base image, which
    the key of the base image signs. ``suite`` and ``components`` are those of apt; a suite with a
    slash at its end is a folder. ``key`` signs the index; its content is part of the lock set.
    Otherwise the key with the ``fingerprint`` signs it, which the base image trusts. For apk,
    ``tag`` marks the requirements for its packages, and ``key_name`` is the file name of the key.
    """

    url: Annotated[str, Meta(pattern=r"\A(?:https?://[A-Za-z0-9._~:/+%\[\]-]+)?\Z")] = ""
    suite: Annotated[str, Meta(pattern=rf"\A(?:{SUITE})?\Z")] = ""
    components: tuple[Annotated[str, Meta(pattern=rf"\A{COMPONENT}\Z")], ...] = ()
    tag: Annotated[str, Meta(pattern=rf"\A(?:{NAME})?\Z")] = ""
    key: RepositoryFile | None = None
    key_name: Annotated[str, Meta(pattern=rf"\A(?:{KEY_NAME})?\Z")] = ""
    fingerprint: Annotated[str, Meta(pattern=r"\A(?:[0-9A-F]{40}|[0-9A-F]{64})?\Z")] = ""


class DownloadedFile(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The file of a download on one platform.

    ``target`` is its absolute path, or the folder that an archive is unpacked into; it is unset for
    a package that apk or apt installs. ``sha256`` is the hash that images.toml gives, unset if it
    gives none.
    """

    url: FileAddress
    target: TargetPath | UnsetType = UNSET
    sha256: Sha256 | UnsetType = UNSET


class Download(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A file with an address that a stage puts into its image, by platform.

    An archive with ``unpack`` loses the first ``strip`` parts of each path in it. ``mode`` has four
    octal digits; the files of archives have modes of their own.
    """

    platforms: Mapping[Platform, DownloadedFile]
    mode: FileMode = "0644"
    unpack: bool = False
    strip: Annotated[int, Meta(ge=0, le=99)] = 0

    @property
    def is_package(self) -> bool:
        """Return whether apk or apt installs the file, together with the packages of the stage."""
        return any(not file.target for file in self.platforms.values())


class Project(msgspec.Struct, frozen=True, kw_only=True):
    """A folder of the repository with a Python project, which is built to a wheel at lock time.

    ``name`` is that of its package, and ``path`` is relative to images.toml. The targets of its
    files are below ``/project``.
    """

    name: str
    path: str
    files: tuple[OwnFile, ...]


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """One Docker build stage.

    A stage of kind ``base`` makes a builder's base of Debian packages. It has the builder's name
    and no image. ``parent`` is the stage that this one starts from, empty for the builder's base
    image. ``build`` is the build stage whose ``/opt/env`` a final stage receives, empty for none.

    ``requirements`` maps a manager to the stage's own requirements. ``sources`` maps a manager to
    the packages that may run code of their own during the build (``pip-sdist``, ``npm-scripts``).
    Both are sorted by package name and omit managers with an empty list. ``indexes`` maps pip's
    packages to the index of ``ImageSet.indexes`` that they come from. ``recommends`` says that apt
    also installs recommended packages, and ``debconf`` are answers to questions of its packages.
    ``prebuild`` are the commands before the installation of packages, ``normalize`` those after the
    installation of Debian packages. ``downloads`` are files with an address, in the order of
    images.toml. ``files`` are the own files of the stage, sorted by target. ``runtime`` are the
    stage's own settings of its containers. ``projects`` are the folders that pip requirements name.
    ``trim`` are the rules that remove files from what a final stage adds, sorted by name.
    All of these are unset for none, so that lock sets from before these keys stay as they are.
    """

    name: StageName
    builder: StageName
    image: str
    kind: Kind
    parent: Annotated[str, Meta(pattern=r"\A[a-z0-9.-]*\Z")] = ""
    build: Annotated[str, Meta(pattern=r"\A[a-z0-9.-]*\Z")] = ""
    requirements: Mapping[str, tuple[str, ...]] = {}
    sources: Mapping[str, tuple[str, ...]] = {}
    indexes: Mapping[str, str] | UnsetType = UNSET
    recommends: bool | UnsetType = UNSET
    debconf: tuple[OneLine, ...] | UnsetType = UNSET
    projects: tuple[Project, ...] | UnsetType = UNSET
    prebuild: tuple[Command, ...] | UnsetType = UNSET
    normalize: tuple[str, ...] | UnsetType = UNSET
    downloads: tuple[Download, ...] | UnsetType = UNSET
    files: tuple[OwnFile, ...] | UnsetType = UNSET
    postbuild: tuple[Command, ...] = ()
    network: bool = False
    runtime: Runtime | UnsetType = UNSET
    trim: tuple[TrimRule, ...] | UnsetType = UNSET


class ImageSet(msgspec.Struct, frozen=True, kw_only=True):
    """All images of images.toml; ``stages`` lists parents and build stages first, then by name.

    ``indexes`` maps names to the addresses of package indexes, ``npm_registries`` maps scopes to
    the addresses of npm registries. ``apk_repositories`` and ``apt_repositories`` map names to
    repositories of Alpine and Debian packages. ``template`` extends the templates of Orbiter. They
    are unset for none. ``compression`` is that of the layers, unset for zstd.
    """

    version: Version
    repository: Reference
    maintainer: str = ""
    source: str = ""
    platforms: tuple[Platform, ...]
    user: NotebookUser = NotebookUser()
    indexes: Mapping[str, IndexAddress] | UnsetType = UNSET
    npm_registries: Mapping[NpmScope, IndexAddress] | UnsetType = UNSET
    template: RepositoryFile | UnsetType = UNSET
    apk_repositories: Mapping[RepositoryName, PackageRepository] | UnsetType = UNSET
    apt_repositories: Mapping[RepositoryName, PackageRepository] | UnsetType = UNSET
    compression: Compression | UnsetType = UNSET
    builders: Mapping[str, Builder]
    stages: tuple[Stage, ...]
