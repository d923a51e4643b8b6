"""From the tables of builders in images.toml to what the image set tells of them."""

from collections.abc import Iterator

import msgspec
from msgspec.structs import fields

from orbiter.config.image_set import Builder, CondaSettings, ImageSet
from orbiter.config.mistakes import Mistakes, key_path
from orbiter.config.schema import BASES, BUILDERS, BuilderTable, ConfigFile, Packages
from resolvers.conda.channels import channel
from resolvers.errors import ExpectedError
from resolvers.types import CondaOptions

CONDA_BUILDER = "micromamba"
"""The builder of images with conda packages."""
APK_BUILDER = "alpine"
"""The builder of images on Alpine."""
SYSTEM_MANAGERS = frozenset({"apk", "apt"})
"""Managers of the packages of base images; their mirrors have the present index only, and delete old files."""
CONDA_KEYS = frozenset(
    {"channels", "channel_priority", "conda_engine", "installer", "keep_installer", "virtual"}
)
"""The fields of a builder's table that are its alone."""


def system_manager(name: str) -> str:
    """The manager of the system packages of a builder's base image."""
    return "apk" if name == APK_BUILDER else "apt"


def base_example(name: str) -> str:
    """A base image for a builder, as people write it."""
    return "alpine:3.23" if name == APK_BUILDER else "debian:trixie-slim"


def builder(name: str, file: ConfigFile) -> Builder:
    """A builder of the file, with the defaults of its kind."""
    table = file.builder[name]
    suite = table.from_.debian if isinstance(table.from_, Packages) else ""
    base = table.from_ if isinstance(table.from_, str) else ""
    return Builder(
        name=name,
        base=base or ("" if suite else BASES.get(name, "")),
        suite=suite,
        python=table.python,
        pip_engine=table.pip_engine,
        conda=_conda(table) if name == CONDA_BUILDER else msgspec.UNSET,
    )


def _conda(table: BuilderTable) -> CondaSettings:
    return CondaSettings(
        channels=table.channels,
        priority=table.channel_priority,
        virtual=dict(sorted(table.virtual.items())),
        engine=table.conda_engine,
        installer=table.installer,
        keep_installer=table.keep_installer,
    )


def check(file: ConfigFile, mistakes: Mistakes) -> None:
    """Note what is wrong with the builders of a file."""
    for name in file.builder:
        if not file.image.get(name):
            hint = f"declare an image, such as [image.{name}.core], or remove the builder"
            mistakes.add(key_path("builder", name), "has no images", hint=hint)
        _check_builder(name, file.builder[name], mistakes)
    for name in file.image:
        if name in BUILDERS and name not in file.builder:
            hint = f'add [builder.{name}] with from = "{base_example(name)}"'
            mistakes.add(
                key_path("image", name), f"the builder '{name}' is not declared", hint=hint
            )


def _check_builder(name: str, table: BuilderTable, mistakes: Mistakes) -> None:
    path = key_path("builder", name)
    _check_base(name, table, key_path(path, "from"), mistakes)
    if name != CONDA_BUILDER:
        for key in _conda_keys(table):
            mistakes.add(
                key_path(path, key),
                "has no effect",
                hint=f"it belongs to [builder.{CONDA_BUILDER}]",
            )
        return
    for index, text in enumerate(table.channels):
        try:
            channel(text)
        except ExpectedError as error:
            mistakes.add(f"{path}.channels[{index}]", error.message, hint=error.hint)
    if table.keep_installer and table.installer != "micromamba":
        hint = 'leave it out, or write installer = "micromamba"'
        mistakes.add(
            key_path(path, "keep-installer"),
            f"{table.installer} is no program that could stay",
            hint=hint,
        )


def _check_base(name: str, table: BuilderTable, path: str, mistakes: Mistakes) -> None:
    hint = f'add from = "{base_example(name)}"'
    made = "" if name == APK_BUILDER else ', or { debian = "trixie" }'
    if table.from_ == "" and name not in BASES:
        expected = f"an image and its tag, without digest (the lock set pins that){made}"
        mistakes.add(path, "is missing", expected=expected, hint=hint)
    if name == APK_BUILDER and isinstance(table.from_, Packages):
        mistakes.add(
            path,
            f"the builder '{name}' stands on an image of Alpine, not on Debian's packages",
            hint=hint,
        )


def _conda_keys(table: BuilderTable) -> Iterator[str]:
    """The keys of conda that a builder's table sets."""
    unset = BuilderTable()
    for each in fields(BuilderTable):
        if each.name in CONDA_KEYS and getattr(table, each.name) != getattr(unset, each.name):
            yield each.encode_name


def conda_settings(builder: Builder) -> CondaSettings:
    """What images.toml says of a builder's conda packages; the defaults for one that has none."""
    return builder.conda or CondaSettings()


def conda_options(builder: Builder) -> CondaOptions:
    """The same, as conda's resolver takes it."""
    asked = conda_settings(builder)
    virtual = {f"__{name}": version for name, version in asked.virtual.items()}
    return CondaOptions(channels=asked.channels, priority=asked.priority, virtual=virtual)


MICROMAMBA = "micromamba"


def installer_package(image_set: ImageSet, builder: str, manager: str) -> str:
    """The name of the package that installs a manager's packages in a builder's stages; "" for none."""
    if manager == "conda":
        name = conda_settings(image_set.builders[builder]).installer
        return {"rattler": "py-rattler"}.get(name, name)
    return {"pip": "uv", "npm": "npm"}.get(manager, "")
