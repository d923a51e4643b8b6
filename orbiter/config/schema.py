"""The keys of images.toml, as people write them; the JSON Schema is generated from these types.

The ``Meta`` of a type holds its pattern and its description in the JSON Schema. Its ``extra`` holds
the texts that a mistake reports: ``expected`` and, for required tables, ``add``, the line to add.
Its first example is the one that a hint shows.
"""

from collections.abc import Mapping
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType, field
from msgspec.structs import fields

from orbiter.config import (
    advisory_keys,
    builder_keys,
    check_keys,
    command_keys,
    file_keys,
    image_set_keys,
    layer_keys,
    package_keys,
    repository_keys,
    runtime_keys,
    verify_keys,
)
from orbiter.config.name_keys import NAME, Name

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
Network = Annotated[
    bool,
    Meta(
        description="Whether the stage has network access. The build is then not hermetic.",
        examples=[True],
    ),
]
Sets = Annotated[
    dict[Name, tuple[str | package_keys.PipRequirement, ...]],
    Meta(
        description='Named lists. "@name" in any list inserts the entries of one.',
        examples=[{"tools": ["ca-certificates", "curl", "git"]}],
    ),
]


class Build(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab"):
    """The build stage of an image, which receives its /opt/env. "@name" in a list inserts a set."""

    from_: From = field(name="from", default="")
    prebuild: command_keys.Prebuild = ()
    apk: package_keys.ApkList = ()
    apt: package_keys.AptList = ()
    recommends: package_keys.Recommends = False
    debconf: package_keys.Debconf = ()
    normalize: package_keys.Normalize = ()
    conda: package_keys.CondaList = ()
    pip: package_keys.PipList = ()
    pip_sdist: package_keys.PipSdistList = ()
    npm: package_keys.NpmList = ()
    npm_scripts: package_keys.NpmScriptsList = ()
    downloads: file_keys.Downloads = ()
    files: file_keys.Files = {}
    postbuild: command_keys.Postbuild = ()
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

    version: image_set_keys.Version
    repository: image_set_keys.Repository
    maintainer: image_set_keys.Maintainer = ""
    source: image_set_keys.Source = ""
    templates: image_set_keys.Templates = ""
    platforms: image_set_keys.Platforms = ("linux/amd64",)
    compression: layer_keys.CompressionName = layer_keys.DEFAULT_COMPRESSION
    user: Annotated[
        image_set_keys.User,
        Meta(
            description="The notebook user inside the images.",
            examples=[{"name": "jovyan", "uid": 1000, "gid": 100}],
        ),
    ] = image_set_keys.User()
    sets: Sets = {}
    index: Annotated[
        dict[Name, repository_keys.IndexTable],
        Meta(
            description="Python package indexes for the packages that name them.",
            examples=[{"pytorch-cpu": {"url": "https://download.pytorch.org/whl/cpu"}}],
        ),
    ] = {}
    npm_registry: Annotated[
        dict[Name, repository_keys.NpmRegistryTable],
        Meta(
            description="npm registries for all packages of a scope.",
            examples=[{"lab": {"scope": "@lab", "url": "https://npm.example.org/"}}],
        ),
    ] = field(name="npm-registry", default_factory=dict)
    apk_repository: Annotated[
        dict[Name, repository_keys.ApkRepositoryTable],
        Meta(
            description="Repositories of Alpine packages, for the requirements with their tags.",
            examples=[{"lab": {"url": "https://packages.example.org", "key-file": "lab.rsa.pub"}}],
        ),
    ] = field(name="apk-repository", default={})
    apt_repository: Annotated[
        dict[Name, repository_keys.AptRepositoryTable],
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
        dict[builder_keys.BuilderName, builder_keys.BuilderTable],
        Meta(
            min_length=1,
            description="The defaults of each family of images, by builder.",
            examples=[{"debian": {"from": "debian:trixie-slim"}}],
            extra={"add": "[builder.debian]"},
        ),
    ]
    image: Annotated[
        dict[builder_keys.BuilderName, dict[Name, Image]],
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
    package_keys.PipRequirement: "a table in a pip list",
    repository_keys.IndexTable: "[index.NAME]",
    repository_keys.NpmRegistryTable: "[npm-registry.NAME]",
    repository_keys.ApkRepositoryTable: "[apk-repository.NAME]",
    repository_keys.AptRepositoryTable: "[apt-repository.NAME]",
    builder_keys.Packages: "from of [builder.NAME]",
    file_keys.DownloadSource: "platforms of an entry of downloads",
    file_keys.DownloadTable: "an entry of downloads",
    file_keys.FileTable: "an entry of files",
    command_keys.ScriptTable: "an entry of prebuild or postbuild",
    builder_keys.BuilderTable: "[builder.NAME]",
    image_set_keys.User: "[user]",
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
