"""The keys of [builder.NAME] in images.toml, as people write them.

They are part of the types in ``schema``, which explains their ``Meta``.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from orbiter.config.name_keys import REPOSITORY, Name

BUILDERS = ("alpine", "debian", "micromamba")
"""The supported builders."""
BASES: Mapping[str, str] = {"micromamba": "debian:trixie-slim"}
"""The default base images, by builder."""
BuilderName = Annotated[str, Meta(pattern=f"^({'|'.join(BUILDERS)})$", extra={"choices": BUILDERS})]
BaseImage = Annotated[
    str,
    Meta(
        pattern=rf"^{REPOSITORY}(:[a-zA-Z0-9_][a-zA-Z0-9_.-]{{0,127}})?$",
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
AptRepositories = Annotated[
    tuple[Name, ...],
    Meta(
        description="The apt repositories, declared as [apt-repository.NAME], that apt also uses.",
        examples=[["example"]],
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
