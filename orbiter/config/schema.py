"""The keys of images.toml, as people write them; the JSON Schema is generated from these types.

The ``Meta`` of a type holds its pattern and its description in the JSON Schema. Its ``extra`` holds
the texts that a mistake reports: ``expected`` and, for required tables, ``add``, the line to add.
Its first example is the one that a hint shows.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field
from msgspec.structs import fields

from orbiter.config import advisory_keys, check_keys, layer_keys, runtime_keys, verify_keys
from orbiter.config.platforms import PLATFORM_ALIASES

BUILDERS = ("alpine", "debian", "micromamba")
"""The supported builders."""
BASES: Mapping[str, str] = {"micromamba": "debian:trixie-slim"}
"""The default base images, by builder."""

# Names become parts of image tags and stage names, so they are stricter than TOML keys.
NAME = "[a-z0-9][a-z0-9-]*"
# A semantic version: https://semver.org
_NUMBER = r"(0|[1-9]\d*)"
_IDENTIFIER = r"(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)"
# A repository name: https://github.com/distribution/reference
_COMPONENT = r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*"
_REGISTRY = r"[a-zA-Z0-9]([a-zA-Z0-9.-]*[a-zA-Z0-9])?(:[0-9]+)?"
_REPOSITORY = rf"({_REGISTRY}/)?{_COMPONENT}(/{_COMPONENT})*"
# The suite and a component of an apt repository. A folder without suites ends with a slash.
SUITE = r"[A-Za-z0-9][A-Za-z0-9._/-]*|/|\./"
# The file name of a key of apk, which becomes a path.
KEY_NAME = "[A-Za-z0-9][A-Za-z0-9@._-]*"
COMPONENT = "[A-Za-z0-9][A-Za-z0-9._/-]*"

Version = Annotated[
    str,
    Meta(
        pattern=rf"^{_NUMBER}\.{_NUMBER}\.{_NUMBER}(-{_IDENTIFIER}(\.{_IDENTIFIER})*)?$",
        description="The release: one semantic version for all images. Build metadata (+…) is not "
        "allowed, because a tag cannot contain it.",
        examples=["0.1.0"],
        extra={"expected": "a semantic version without build metadata"},
    ),
]
Repository = Annotated[
    str,
    Meta(
        pattern=f"^{_REPOSITORY}$",
        description="The Docker repository. Tags are <repository>:<builder>-<image>-<version>.",
        examples=["example/notebooks"],
        extra={"expected": "a Docker repository in lowercase, without a tag or digest"},
    ),
]
Maintainer = Annotated[
    str,
    Meta(
        description="The person responsible for the images, added to them as a label.",
        examples=["Ada Lovelace <ada@example.org>"],
    ),
]
Source = Annotated[
    str,
    Meta(
        pattern=r"^https?://[^\s/@]+(/\S*)?$",
        description="The address of this image set's source code, added to the images as a label.",
        examples=["https://git.example.org/team/notebooks"],
        extra={"expected": "an http or https URL without credentials"},
    ),
]
Templates = Annotated[
    str,
    Meta(
        description="A folder relative to images.toml whose Dockerfile.j2 extends Orbiter's "
        "template of the Dockerfiles.",
        examples=["templates"],
    ),
]
Platform = Annotated[
    Literal["linux/amd64", "linux/arm64"], Meta(extra={"aliases": PLATFORM_ALIASES})
]
Platforms = Annotated[
    tuple[Platform, ...],
    Meta(
        min_length=1,
        description="The platforms that the images are built for.",
        examples=[["linux/amd64", "linux/arm64"]],
    ),
]
UserName = Annotated[
    str,
    Meta(
        pattern="^(?!root$)[a-z_][a-z0-9_-]{0,31}$",
        description="The login name.",
        examples=["jovyan"],
        extra={
            "expected": "a login name other than root: up to 32 of a-z, 0-9, '_' and '-', "
            "starting with a letter"
        },
    ),
]
_MAX_ID = 2**31 - 1
"""The largest user and group ID that Docker accepts."""
Uid = Annotated[int, Meta(ge=1, le=_MAX_ID, description="The user ID.", examples=[1000])]
Gid = Annotated[int, Meta(ge=0, le=_MAX_ID, description="The group ID.", examples=[100])]
Name = Annotated[str, Meta(pattern=f"^{NAME}$", extra={"expected": "a name of a-z, 0-9 and '-'"})]
BuilderName = Annotated[str, Meta(pattern=f"^({'|'.join(BUILDERS)})$", extra={"choices": BUILDERS})]
BaseImage = Annotated[
    str,
    Meta(
        pattern=rf"^{_REPOSITORY}(:[a-zA-Z0-9_][a-zA-Z0-9_.-]{{0,127}})?$",
        description="The base image of the family; the lock set pins its digest. "
        f"The default of the builder micromamba is {BASES['micromamba']}.",
        examples=["debian:trixie-slim"],
        extra={
            "expected": "an image and its tag, without a digest (the lock set pins it), "
            'or { debian = "trixie" }'
        },
    ),
]
Suite = Annotated[
    str,
    Meta(
        pattern="^(?!(old)*stable$|testing$|unstable$|experimental$)[a-z]+$",
        description="The Debian release whose packages make up the base.",
        examples=["trixie"],
        extra={"expected": "the codename of a Debian release, not an alias such as stable"},
    ),
]
Python = Annotated[
    str,
    Meta(
        pattern=r"^3\.\d+(\.\d+)?$",
        description="The Python version that conda, or else apk or apt, must install.",
        examples=["3.13"],
        extra={"expected": "X.Y or X.Y.Z"},
    ),
]
PipEngine = Annotated[
    Literal["poetry", "uv", "pip-tools"],
    Meta(
        description="The engine that resolves pip requirements.",
        examples=["uv"],
    ),
]
IndexPriority = Annotated[
    Literal["strict", "disabled"],
    Meta(
        description="strict: a Python package comes from the first index in pip's configuration "
        "that has its name. disabled: it may come from any of them. Packages with an index of "
        "their own are not affected.",
        examples=["strict"],
    ),
]
Constraints = Annotated[
    tuple[str, ...],
    Meta(
        description="Limits for the versions of Python packages, as PEP 508 requirements. They "
        "install nothing.",
        examples=[["numpy<2.4"]],
    ),
]
Overrides = Annotated[
    tuple[str, ...],
    Meta(
        description="PEP 508 requirements that replace those of all packages for a Python package. "
        'They need pip-engine = "uv".',
        examples=[["protobuf>=5"]],
    ),
]
NpmOverrideText = Annotated[
    str, Meta(examples=["^11"], extra={"expected": "a range, a tag, npm:name@range or $name"})
]
NpmOverrides = Annotated[
    dict[str, NpmOverrideText | dict[str, NpmOverrideText]],
    Meta(
        description="npm packages, and what npm installs instead for all packages that require "
        "them: a range, a tag, npm:name@range, or $name for the requirement of a stage. A table "
        "applies only to what the package itself requires.",
        examples=[{"glob": "^11", "mocha": {"minimatch": "^9"}}],
    ),
]
IndexUrl = Annotated[
    str,
    Meta(
        description="The address of the simple pages of a Python package index: https, and "
        "without credentials.",
        examples=["https://download.pytorch.org/whl/cpu"],
        extra={"expected": "an https address without credentials"},
    ),
]
NpmScope = Annotated[
    str,
    Meta(
        description="The scope, which is the start of package names.",
        examples=["@lab"],
        extra={"expected": "a scope such as @lab"},
    ),
]
NpmRegistryUrl = Annotated[
    str,
    Meta(
        description="The address of an npm registry: https, and without credentials.",
        examples=["https://npm.example.org/"],
        extra={"expected": "an https address without credentials"},
    ),
]
RepositoryUrl = Annotated[
    str,
    Meta(
        description="The address of a package repository, without credentials. For apt, the "
        "default is a mirror of the base.",
        examples=["https://packages.example.org/debian"],
        extra={"expected": "an http or https address without credentials"},
    ),
]
RepositorySuite = Annotated[
    str,
    Meta(
        pattern=f"^({SUITE})$",
        description="The suite, or a folder with a slash at its end.",
        examples=["trixie-backports"],
        extra={"expected": "the name of a suite, or a folder with a slash at its end"},
    ),
]
Component = Annotated[
    str, Meta(pattern=f"^{COMPONENT}$", extra={"expected": "the name of a component"})
]
Components = Annotated[
    tuple[Component, ...],
    Meta(description='The components; ["main"] by default.', examples=[["main"]]),
]
KeyFile = Annotated[
    str,
    Meta(
        description="The public key that signs the repository, relative to images.toml.",
        examples=["keys/example.asc"],
    ),
]
ApkRepositoryUrl = Annotated[
    str,
    Meta(
        description="The address of a repository of Alpine packages, which contains the folders of "
        "the architectures, without credentials.",
        examples=["https://packages.example.org/v3.23/lab"],
        extra={"expected": "an http or https address without credentials"},
    ),
]
Tag = Annotated[
    str,
    Meta(
        pattern=f"^{NAME}$",
        description="The tag of requirements for its packages, name@tag; by default, the name of "
        "the repository.",
        examples=["lab"],
        extra={"expected": "a tag of a-z, 0-9 and '-'"},
    ),
]
Fingerprint = Annotated[
    str,
    Meta(
        pattern=r"^([0-9A-Fa-f]{4} *){10}$|^[0-9A-Fa-f]{64}$",
        description="The fingerprint of a key that the base trusts and that signs the repository.",
        examples=["4CB50190207B4758A3F73A796ED0E7B82643E131"],
        extra={"expected": "the 40 or 64 hexadecimal digits of a fingerprint"},
    ),
]
AptRepositories = Annotated[
    tuple[Name, ...],
    Meta(
        description="The apt repositories, declared as [apt-repository.NAME], that apt also uses.",
        examples=[["example"]],
    ),
]
IndexName = Annotated[
    str,
    Meta(
        pattern=f"^{NAME}$",
        description="The only index that the package comes from, declared as [index.NAME].",
        examples=["pytorch-cpu"],
        extra={"expected": "the name of an index in images.toml"},
    ),
]
PipRequirementText = Annotated[
    str,
    Meta(
        description="A PEP 508 requirement without a URL.",
        examples=["torch>=2.4"],
        extra={"expected": "a PEP 508 requirement"},
    ),
]
PipOverwrites = Annotated[
    tuple[str, ...],
    Meta(
        description="Python packages whose files may replace those of other packages. "
        "A later one replaces files of an earlier one.",
        examples=[["some-package"]],
    ),
]
CondaOverwrites = Annotated[
    tuple[str, ...],
    Meta(
        description="conda packages whose files may replace those of other conda packages. "
        "A later one replaces files of an earlier one.",
        examples=[["some-package"]],
    ),
]
Channel = Annotated[
    str,
    Meta(
        pattern=r"^\S+$",
        description="A conda channel: a name, or an address with ${VARIABLES} for credentials.",
        examples=["conda-forge"],
        extra={"expected": "the name or address of a channel"},
    ),
]
Channels = Annotated[
    tuple[Channel, ...],
    Meta(
        min_length=1,
        description="The conda channels, highest priority first.",
        examples=[["conda-forge"]],
    ),
]
ChannelPriority = Annotated[
    Literal["strict", "disabled"],
    Meta(
        description="strict: a conda package comes from the first channel that has its name. "
        "disabled: it may come from any channel.",
        examples=["strict"],
    ),
]
CondaEngine = Annotated[
    Literal["rattler", "conda-lock"],
    Meta(
        description="The engine that resolves conda packages.",
        examples=["rattler"],
    ),
]
Installer = Annotated[
    Literal["micromamba", "rattler"],
    Meta(
        description="The program that installs conda packages: micromamba, which comes from the "
        "channels, or rattler, a Python package.",
        examples=["micromamba"],
    ),
]
KeepInstaller = Annotated[
    bool,
    Meta(
        description="Whether micromamba stays in the images.",
        examples=[True],
    ),
]
VirtualName = Annotated[
    str,
    Meta(
        pattern="^[a-z][a-z0-9_]*$",
        extra={"expected": "a virtual package without its underscores: glibc, cuda"},
    ),
]
VirtualVersion = Annotated[
    str,
    Meta(
        pattern=r"^[0-9A-Za-z]+([._][0-9A-Za-z]+)*( [0-9A-Za-z_.]+)?$|^$",
        examples=["12.4"],
        extra={"expected": 'a version, or "" for none'},
    ),
]
Virtual = Annotated[
    dict[VirtualName, VirtualVersion],
    Meta(
        description="The virtual packages of the machines that run the images, such as cuda. "
        "The default of glibc is the version in the base image.",
        examples=[{"cuda": "12.4"}],
    ),
]
From = Annotated[
    str,
    Meta(
        pattern=f"^{NAME}$",
        description="The parent image, from the same builder: <image> for its final stage, "
        "<image>-build for its build stage. Default: the builder's base image.",
        examples=["core"],
        extra={
            "expected": "an image of this builder, or <image>-build "
            "(base images belong in [builder.NAME])"
        },
    ),
]
ApkList = Annotated[
    tuple[str, ...],
    Meta(
        description="Alpine packages: name, name=version, name~version, name>version or name@tag. "
        "Only for the builder alpine.",
        examples=[["python3~3.12", "tini"]],
    ),
]
AptList = Annotated[
    tuple[str, ...],
    Meta(
        description="Debian packages: name, name=version or name=1.2.* for any version that begins "
        "so. Not for the builder alpine.",
        examples=[["python3=3.13.*", "git"]],
    ),
]
Recommends = Annotated[
    bool,
    Meta(
        description="Whether apt also installs what the packages of the stage recommend.",
        examples=[True],
    ),
]
Debconf = Annotated[
    tuple[str, ...],
    Meta(
        description="Answers to questions of Debian packages, set before the packages of the stage "
        "are installed: package question type value. Not for passwords.",
        examples=[["locales locales/default_environment_locale select C.UTF-8"]],
    ),
]
CondaList = Annotated[
    tuple[str, ...],
    Meta(
        description="conda packages, as MatchSpecs or as addresses of files. Only for the builder "
        "micromamba.",
        examples=[["python=3.13", "numpy>=2,<3"]],
    ),
]
NpmList = Annotated[
    tuple[str, ...],
    Meta(
        description="npm packages: name, name@range, alias@npm:name@range, or name@ADDRESS for a "
        "tarball.",
        examples=[["vega-lite", "canvas@^3.1"]],
    ),
]
PipSdistList = Annotated[
    tuple[str, ...],
    Meta(
        description="Python packages that may be built from an sdist.",
        examples=[["some-package"]],
    ),
]
NpmScriptsList = Annotated[
    tuple[str, ...],
    Meta(
        description="npm packages whose install scripts may run.",
        examples=[["canvas"]],
    ),
]
Command = Annotated[
    str,
    Meta(
        description="Shell commands of one or more lines, which may have here-documents.",
        examples=["jupyter --version"],
        extra={"multiline": True},
    ),
]
ScriptFile = Annotated[
    str,
    Meta(
        description="The path of a script relative to images.toml. The interpreter in its first "
        "line, such as #!/usr/bin/env python3, runs it, or else sh.",
        examples=["binder/postBuild"],
    ),
]


class ScriptTable(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A script of the repository that runs like a command."""

    script: ScriptFile


Prebuild = Annotated[
    tuple[Command | ScriptTable, ...],
    Meta(
        description="Shell commands and scripts that run at the start of the stage, before its "
        "packages are installed. They run as root, with the network off.",
        examples=[["mkdir -p /etc/example.d"]],
    ),
]
FilePath = Annotated[
    str,
    Meta(
        pattern=r"^(?=/)(/(?!\.\.?(/|$))[^/\x00-\x1f\x7f]+)*/?$",
        description="The absolute path in the image. A path that ends with / is a folder.",
        examples=["/usr/local/bin/"],
        extra={"expected": "an absolute path without . and .., which ends with / for a folder"},
    ),
]
FileMode = Annotated[
    str,
    Meta(
        pattern="^0?[0-7]{3}$",
        description="The permissions. The default is 0755 for files that are executable in git, "
        "and 0644 for others.",
        examples=["0755"],
        extra={"expected": "three octal digits"},
    ),
]


class FileTable(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A target of own files, with their permissions."""

    to: FilePath
    mode: FileMode = ""


Files = Annotated[
    dict[str, FilePath | FileTable],
    Meta(
        description="Own files or folders, by path relative to images.toml, and their targets in "
        "the image. They are placed after the packages and before postbuild.",
        examples=[{"start.sh": "/usr/local/bin/", "config/": {"to": "/etc/x/", "mode": "0644"}}],
    ),
]
FileUrl = Annotated[
    str,
    Meta(
        description="The address of the file: https, and without credentials. http needs a sha256.",
        examples=["https://example.org/tool-1.0.tar.gz"],
        extra={"expected": "an https address without credentials"},
    ),
]
FileHash = Annotated[
    str,
    Meta(
        pattern="^[0-9a-f]{64}$",
        description="The sha256 of the file, which locking then checks.",
        examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"],
        extra={"expected": "64 hexadecimal digits in lowercase"},
    ),
]
Unpack = Annotated[
    bool,
    Meta(
        description="Whether the file is an archive (tar, tar.gz, tar.bz2, tar.xz, tar.zst or zip) "
        "whose files are placed in the folder `to`.",
        examples=[True],
    ),
]
MAX_STRIP = 99
Strip = Annotated[
    int,
    Meta(
        ge=0,
        le=MAX_STRIP,
        description="The number of folders to remove from the beginning of each path in an archive",
        examples=[1],
    ),
]
DownloadMode = Annotated[
    str,
    Meta(
        pattern="^0?[0-7]{3}$",
        description="The permissions of the file. The default is 0644.",
        examples=["0755"],
        extra={"expected": "three octal digits"},
    ),
]


class DownloadSource(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file of a download on one platform."""

    url: FileUrl
    sha256: FileHash = ""


class DownloadTable(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file with an address, and where it goes in the image."""

    url: FileUrl = ""
    sha256: FileHash = ""
    to: FilePath = ""
    mode: DownloadMode = ""
    unpack: Unpack = False
    strip: Strip = 0
    platforms: Annotated[
        dict[Platform, DownloadSource],
        Meta(
            description="The files of platforms that need another one than `url`.",
            examples=[{"linux/arm64": {"url": "https://example.org/app-arm64.tgz"}}],
        ),
    ] = {}


Downloads = Annotated[
    tuple[DownloadTable, ...],
    Meta(
        description="Files with an address. They are placed after the packages and before files. "
        "Their hashes are locked; to get another file, edit the address.",
        examples=[[{"url": "https://example.org/tool-1.0", "to": "/usr/local/bin/tool"}]],
    ),
]
Postbuild = Annotated[
    tuple[Command | ScriptTable, ...],
    Meta(
        description="Shell commands and scripts that run at the end of the stage.",
        examples=[["jupyter --version", {"script": "binder/postBuild"}]],
    ),
]
Normalize = Annotated[
    tuple[Command, ...],
    Meta(
        description="Shell commands that run right after the Debian packages of the stage are "
        "installed. They remove or rewrite files that package scripts write differently each time.",
        examples=[["rm -f /etc/example.id"]],
    ),
]
Network = Annotated[
    bool,
    Meta(
        description="Whether the stage has network access. The build is then not hermetic.",
        examples=[True],
    ),
]


class PipRequirement(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A Python package from an index of its own. No other package comes from there."""

    requirement: PipRequirementText
    index: IndexName


PipList = Annotated[
    tuple[str | PipRequirement, ...],
    Meta(
        description="Python packages: PEP 508 requirements without a URL, or tables with a "
        "requirement and its index.",
        examples=[["jupyterlab", {"requirement": "torch", "index": "pytorch-cpu"}]],
    ),
]
Sets = Annotated[
    dict[Name, tuple[str | PipRequirement, ...]],
    Meta(
        description='Named lists. "@name" in any list inserts the entries of one.',
        examples=[{"tools": ["ca-certificates", "curl", "git"]}],
    ),
]


class IndexTable(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A Python package index for the packages that name it."""

    url: IndexUrl


class NpmRegistryTable(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An npm registry for all packages of a scope."""

    scope: NpmScope
    url: NpmRegistryUrl


class AptRepositoryTable(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab"
):
    """A repository of Debian packages for the builders that name it."""

    url: RepositoryUrl = ""
    suite: RepositorySuite
    components: Components = ()
    key_file: KeyFile = ""
    fingerprint: Fingerprint = ""


class ApkRepositoryTable(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab"
):
    """A repository of Alpine packages, for the requirements with its tag."""

    url: ApkRepositoryUrl
    key_file: KeyFile
    tag: Tag = ""


class User(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The notebook user inside the images."""

    name: UserName = "jovyan"
    uid: Uid = 1000
    gid: Gid = 100


class Packages(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A base made of distribution packages instead of a base image."""

    debian: Suite


class BuilderTable(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab"):
    """The defaults of a family of images."""

    from_: Annotated[
        BaseImage | Packages,
        Meta(
            description="The base of the images: an image, or packages of a Debian release.",
            examples=["debian:trixie-slim", {"debian": "trixie"}],
        ),
    ] = field(name="from", default="")
    python: Python = ""
    apt_repositories: AptRepositories = ()
    pip_engine: PipEngine = "poetry"
    pip_overwrites: PipOverwrites = ()
    index_priority: IndexPriority = "strict"
    constraints: Constraints = ()
    overrides: Overrides = ()
    npm_overrides: NpmOverrides = {}
    channels: Channels = ("conda-forge",)
    channel_priority: ChannelPriority = "strict"
    conda_engine: CondaEngine = "rattler"
    installer: Installer = "micromamba"
    keep_installer: KeepInstaller = False
    virtual: Virtual = {}
    conda_overwrites: CondaOverwrites = ()


class Build(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab"):
    """The build stage of an image, which receives its /opt/env. "@name" in a list inserts a set."""

    from_: From = field(name="from", default="")
    prebuild: Prebuild = ()
    apk: ApkList = ()
    apt: AptList = ()
    recommends: Recommends = False
    debconf: Debconf = ()
    normalize: Normalize = ()
    conda: CondaList = ()
    pip: PipList = ()
    pip_sdist: PipSdistList = ()
    npm: NpmList = ()
    npm_scripts: NpmScriptsList = ()
    downloads: Downloads = ()
    files: Files = {}
    postbuild: Postbuild = ()
    network: Network = False


class Image(Build, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab"):
    """An image that users pull. "@name" in a list inserts a set."""

    build: Annotated[
        Build | UnsetType,
        Meta(
            description="The build stage of the image, which receives its /opt/env.",
            examples=[{"pip": ["jupyterlab"]}],
        ),
    ] = UNSET
    env: runtime_keys.Env = {}
    workdir: runtime_keys.WorkDir = ""
    entrypoint: runtime_keys.Entrypoint | UnsetType = UNSET
    cmd: runtime_keys.Cmd | UnsetType = UNSET
    labels: runtime_keys.Labels = {}
    expose: runtime_keys.Expose = ()
    healthcheck: Annotated[
        runtime_keys.HealthcheckTable | bool | UnsetType,
        Meta(
            description="A test whether a container works; false removes an inherited one.",
            examples=[{"test": ["curl", "-f", "http://localhost:8888/api"]}, False],
        ),
    ] = UNSET
    user: runtime_keys.RunUser = ""
    stop_signal: runtime_keys.StopSignal | UnsetType = UNSET
    volumes: runtime_keys.Volumes = ()
    not_secret: runtime_keys.NotSecret = ()
    trim: layer_keys.Trim = ()
    verify: verify_keys.Verify = ()
    verify_notebooks: verify_keys.VerifyNotebooks = ()
    verify_files: verify_keys.VerifyFiles = ()
    verify_timeout: verify_keys.VerifyTimeout = ""


class ConfigFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """images.toml: a family of Docker images."""

    version: Version
    repository: Repository
    maintainer: Maintainer = ""
    source: Source = ""
    templates: Templates = ""
    platforms: Platforms = ("linux/amd64",)
    compression: layer_keys.CompressionName = layer_keys.DEFAULT_COMPRESSION
    user: Annotated[
        User,
        Meta(
            description="The notebook user inside the images.",
            examples=[{"name": "jovyan", "uid": 1000, "gid": 100}],
        ),
    ] = User()
    sets: Sets = {}
    index: Annotated[
        dict[Name, IndexTable],
        Meta(
            description="Python package indexes for the packages that name them.",
            examples=[{"pytorch-cpu": {"url": "https://download.pytorch.org/whl/cpu"}}],
        ),
    ] = {}
    npm_registry: Annotated[
        dict[Name, NpmRegistryTable],
        Meta(
            description="npm registries for all packages of a scope.",
            examples=[{"lab": {"scope": "@lab", "url": "https://npm.example.org/"}}],
        ),
    ] = field(name="npm-registry", default_factory=dict)
    apk_repository: Annotated[
        dict[Name, ApkRepositoryTable],
        Meta(
            description="Repositories of Alpine packages, for the requirements with their tags.",
            examples=[{"lab": {"url": "https://packages.example.org", "key-file": "lab.rsa.pub"}}],
        ),
    ] = field(name="apk-repository", default={})
    apt_repository: Annotated[
        dict[Name, AptRepositoryTable],
        Meta(
            description="Repositories of Debian packages for the builders that name them.",
            examples=[{"example": {"url": "https://packages.example.org", "suite": "trixie"}}],
        ),
    ] = field(name="apt-repository", default={})
    lint: check_keys.Lint = check_keys.LintTable()
    licences: check_keys.Licences = check_keys.LicencesTable()
    require_audit: check_keys.RequireAudit = field(name="require-audit", default=False)
    ignore_advisory: advisory_keys.IgnoredAdvisories = field(name="ignore-advisory", default=())
    builder: Annotated[
        dict[BuilderName, BuilderTable],
        Meta(
            min_length=1,
            description="The defaults of each family of images, by builder.",
            examples=[{"debian": {"from": "debian:trixie-slim"}}],
            extra={"add": "[builder.debian]"},
        ),
    ]
    image: Annotated[
        dict[BuilderName, dict[Name, Image]],
        Meta(
            min_length=1,
            description="The images of each builder, by name.",
            examples=[{"debian": {"core": {"apt": ["python3"]}}}],
            extra={"add": "[image.debian.core]"},
        ),
    ]


_TABLES: Mapping[type[Struct], str] = {
    runtime_keys.HealthcheckTable: "healthcheck of [image.BUILDER.IMAGE]",
    Image: "[image.BUILDER.IMAGE]",
    PipRequirement: "a table in a pip list",
    IndexTable: "[index.NAME]",
    NpmRegistryTable: "[npm-registry.NAME]",
    ApkRepositoryTable: "[apk-repository.NAME]",
    AptRepositoryTable: "[apt-repository.NAME]",
    Packages: "from of [builder.NAME]",
    DownloadSource: "platforms of an entry of downloads",
    DownloadTable: "an entry of downloads",
    FileTable: "an entry of files",
    ScriptTable: "an entry of prebuild or postbuild",
    BuilderTable: "[builder.NAME]",
    User: "[user]",
    check_keys.LintTable: "[lint]",
    check_keys.KnownLicence: "an entry of known in [licences]",
    check_keys.LicencesTable: "[licences]",
    advisory_keys.IgnoredAdvisory: "[[ignore-advisory]]",
    ConfigFile: "the top of the file, above the first table",
}

TABLE_OF_KEY: Mapping[str, str] = {
    key.encode_name: location for table, location in _TABLES.items() for key in fields(table)
}
"""The table that each key belongs to, as a hint shows it."""
