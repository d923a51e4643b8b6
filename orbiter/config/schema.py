"""The file images.toml key by key, as people write it; the JSON Schema is made from these types.

A type's ``Meta`` holds its pattern, what the schema says about it, and under ``extra`` what a mistake says was
expected; its first example is what the hint shows.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field
from msgspec.structs import fields

BUILDERS = ("alpine", "debian", "micromamba")
"""Every builder that Orbiter knows."""
BASES: Mapping[str, str] = {"micromamba": "debian:trixie-slim"}
"""The base images of builders that need not name one."""

NAME = "[a-z0-9][a-z0-9-]*"
_NUMBER = r"(0|[1-9]\d*)"
_IDENTIFIER = r"(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)"
_PART = r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*"
_REPOSITORY = rf"([a-zA-Z0-9]([a-zA-Z0-9.-]*[a-zA-Z0-9])?(:[0-9]+)?/)?{_PART}(/{_PART})*"

Version = Annotated[
    str,
    Meta(
        pattern=rf"^{_NUMBER}\.{_NUMBER}\.{_NUMBER}(-{_IDENTIFIER}(\.{_IDENTIFIER})*)?$",
        description="The release: one semantic version for all images. Build metadata (+…) cannot be part of a tag.",
        examples=["0.1.0"],
        extra={"expected": "a semantic version without build metadata"},
    ),
]
Repository = Annotated[
    str,
    Meta(
        pattern=f"^{_REPOSITORY}$",
        description="The Docker repository; tags are <repository>:<builder>-<image>-<version>.",
        examples=["example/notebooks"],
        extra={"expected": "a Docker repository in lower case, without tag or digest"},
    ),
]
Source = Annotated[
    str,
    Meta(
        pattern=r"^https?://[^\s/@]+(/\S*)?$",
        description="Where this image set is developed; becomes a label of the images.",
        examples=["https://git.example.org/team/notebooks"],
        extra={"expected": "an http or https URL without credentials"},
    ),
]
Platform = Literal["linux/amd64", "linux/arm64"]
UserName = Annotated[
    str,
    Meta(
        pattern="^(?!root$)[a-z_][a-z0-9_-]{0,31}$",
        description="The login name.",
        examples=["jovyan"],
        extra={
            "expected": "a login name other than root: up to 32 of a-z, 0-9, '_' and '-', a letter first"
        },
    ),
]
Uid = Annotated[int, Meta(ge=1, le=60000, description="The number of the user.", examples=[1000])]
Gid = Annotated[
    int, Meta(ge=0, le=60000, description="The number of the user's group.", examples=[100])
]
Name = Annotated[str, Meta(pattern=f"^{NAME}$", extra={"expected": "a name of a-z, 0-9 and '-'"})]
BuilderName = Annotated[str, Meta(pattern=f"^({'|'.join(BUILDERS)})$", extra={"known": BUILDERS})]
BaseImage = Annotated[
    str,
    Meta(
        pattern=rf"^{_REPOSITORY}(:[a-zA-Z0-9_][a-zA-Z0-9_.-]{{0,127}})?$",
        description="The base image of the family; the lock set pins its digest. "
        f"Of the builder micromamba by default {BASES['micromamba']}.",
        examples=["debian:trixie-slim"],
        extra={
            "expected": 'an image and its tag, without digest (the lock set pins that), or { debian = "trixie" }'
        },
    ),
]
Suite = Annotated[
    str,
    Meta(
        pattern="^(?!(old)*stable$|testing$|unstable$|experimental$)[a-z]+$",
        description="The Debian release of whose packages alone the base is made.",
        examples=["trixie"],
        extra={"expected": "the code name of a Debian release, which stays the same release"},
    ),
]
Python = Annotated[
    str,
    Meta(
        pattern=r"^3\.\d+(\.\d+)?$",
        description="The Python that conda, or else apk or apt, must install.",
        examples=["3.13"],
        extra={"expected": "X.Y or X.Y.Z"},
    ),
]
PipEngine = Annotated[Literal["poetry", "uv"], Meta(description="The engine that solves for pip.")]
Channel = Annotated[
    str,
    Meta(
        pattern=r"^\S+$",
        description="A channel of conda: a name, or an address in which ${VARIABLES} stand for credentials.",
        examples=["conda-forge"],
        extra={"expected": "a channel's name or address"},
    ),
]
Channels = Annotated[
    tuple[Channel, ...],
    Meta(min_length=1, description="Channels of conda; the first one goes first."),
]
ChannelPriority = Annotated[
    Literal["strict", "disabled"],
    Meta(
        description="Whether a conda package comes from the first channel that has its name, or from any."
    ),
]
CondaEngine = Annotated[
    Literal["rattler", "conda-lock"], Meta(description="The engine that solves for conda.")
]
Installer = Annotated[
    Literal["micromamba", "rattler"],
    Meta(
        description="What installs conda packages: micromamba out of the channels, or rattler, a Python package."
    ),
]
KeepInstaller = Annotated[bool, Meta(description="Whether micromamba stays in the images.")]
Virtual = Annotated[
    dict[
        Annotated[
            str,
            Meta(
                pattern="^[a-z][a-z0-9_]*$",
                extra={"expected": "a virtual package without its underscores: glibc, cuda"},
            ),
        ],
        Annotated[
            str,
            Meta(
                pattern=r"^[0-9A-Za-z]+([._][0-9A-Za-z]+)*( [0-9A-Za-z_.]+)?$|^$",
                examples=["12.4"],
                extra={"expected": 'a version, or "" for none'},
            ),
        ],
    ],
    Meta(
        description="What conda may take for granted where the images run: glibc (by default the base image's), cuda."
    ),
]
From = Annotated[
    str,
    Meta(
        pattern=f"^{NAME}$",
        description="The image of this builder to stand on: its final stage, or <image>-build for its build stage. "
        "Default: the builder's base image.",
        examples=["core"],
        extra={
            "expected": "an image of this builder, or <image>-build (base images stand in [builder.NAME])"
        },
    ),
]
Apk = Annotated[
    tuple[str, ...],
    Meta(
        description="Alpine packages: name, name=version, name~version or name>version. For the builder alpine."
    ),
]
Apt = Annotated[
    tuple[str, ...],
    Meta(description="Debian packages: name or name=version. Not for the builder alpine."),
]
Conda = Annotated[
    tuple[str, ...], Meta(description="conda packages: MatchSpecs. For the builder micromamba.")
]
Pip = Annotated[
    tuple[str, ...], Meta(description="Python packages: PEP 508 requirements without URL.")
]
Npm = Annotated[tuple[str, ...], Meta(description="npm packages: name or name@range.")]
PipSdist = Annotated[
    tuple[str, ...], Meta(description="Python packages that may be built from an sdist.")
]
NpmScripts = Annotated[tuple[str, ...], Meta(description="npm packages whose install scripts run.")]
Postbuild = Annotated[tuple[str, ...], Meta(description="Shell commands that run last.")]
Network = Annotated[
    bool, Meta(description="Whether the stage needs the network; it is then not hermetic.")
]


class User(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The notebook user inside the images."""

    name: UserName = "jovyan"
    uid: Uid = 1000
    gid: Gid = 100


class Packages(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A base that is made of packages, without any base image."""

    debian: Suite


class BuilderTable(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab"):
    """The defaults of a family of images."""

    from_: BaseImage | Packages = field(name="from", default="")
    python: Python = ""
    pip_engine: PipEngine = "poetry"
    channels: Channels = ("conda-forge",)
    channel_priority: ChannelPriority = "strict"
    conda_engine: CondaEngine = "rattler"
    installer: Installer = "micromamba"
    keep_installer: KeepInstaller = False
    virtual: Virtual = {}


class Build(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab"):
    """An image's build stage; the image receives its /opt/env. "@name" in a list expands a set."""

    from_: From = field(name="from", default="")
    apk: Apk = ()
    apt: Apt = ()
    conda: Conda = ()
    pip: Pip = ()
    pip_sdist: PipSdist = ()
    npm: Npm = ()
    npm_scripts: NpmScripts = ()
    postbuild: Postbuild = ()
    network: Network = False


class Image(Build, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab"):
    """An image that users pull. "@name" in a list expands a set."""

    build: Build | UnsetType = UNSET


class ConfigFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """images.toml: a family of Docker images."""

    version: Version
    repository: Repository
    maintainer: Annotated[str, Meta(description="Who answers for the images; becomes a label.")] = (
        ""
    )
    source: Source = ""
    platforms: Annotated[
        tuple[Platform, ...], Meta(min_length=1, description="What the images are for.")
    ] = ("linux/amd64",)
    user: User = User()
    sets: Annotated[
        dict[Name, tuple[str, ...]],
        Meta(description='Named lists; "@name" in any list expands one.'),
    ] = {}
    builder: Annotated[
        dict[BuilderName, BuilderTable], Meta(min_length=1, extra={"add": "[builder.debian]"})
    ]
    image: Annotated[
        dict[BuilderName, dict[Name, Image]],
        Meta(min_length=1, extra={"add": "[image.debian.core]"}),
    ]


HOMES: Mapping[str, str] = {
    key.encode_name: place
    for table, place in (
        (Image, "[image.BUILDER.IMAGE]"),
        (Packages, "from of [builder.NAME]"),
        (BuilderTable, "[builder.NAME]"),
        (User, "[user]"),
        (ConfigFile, "the top of the file, above the first table"),
    )
    for key in fields(table)
}
"""The table in which each key stands."""
